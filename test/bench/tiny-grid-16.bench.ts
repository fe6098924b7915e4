import { tinyBench } from "./tiny.ts";

export default tinyBench("tiny-grid-16", { steps: 16, pictures: 16 });
