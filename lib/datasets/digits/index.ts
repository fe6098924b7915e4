/** Digits drawn by the library. */
export { digits } from "./digits.ts";
