import { tinyBench } from "./tiny.ts";

export default tinyBench("tiny-image-16", { steps: 16, pictures: 1 });
