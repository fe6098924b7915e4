/** Methods that tensors, and vectors of any other kind, have for operators. */
export const METHODS: Record<string, string> = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "**": "pow",
  "%": "remainder",
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  "==": "eq",
  "!=": "ne",
  "&": "logicalAnd",
  "|": "logicalOr",
  "^": "ne",
};

/** For a number on the left and a tensor on the right. */
export const FLIPPED: Record<string, (number: string, tensor: string) => string> = {
  "+": (number, tensor) => `${tensor}.add(${number})`,
  "*": (number, tensor) => `${tensor}.mul(${number})`,
  "-": (number, tensor) => `${tensor}.neg().add(${number})`,
  "/": (number, tensor) => `${tensor}.reciprocal().mul(${number})`,
  "**": (number, tensor) => `${tensor}.mul(Math.log(${number})).exp()`,
  "<": (number, tensor) => `${tensor}.gt(${number})`,
  "<=": (number, tensor) => `${tensor}.ge(${number})`,
  ">": (number, tensor) => `${tensor}.lt(${number})`,
  ">=": (number, tensor) => `${tensor}.le(${number})`,
};
