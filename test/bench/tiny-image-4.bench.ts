import { tinyBench } from "./tiny.ts";

export default tinyBench("tiny-image-4", { steps: 4, pictures: 1, lora: true });
