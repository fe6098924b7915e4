/** The method by which a value shows itself in a notebook: it returns a MIME bundle, or a promise of one. */
export const DISPLAY: unique symbol = Symbol.for("Jupyter.display") as never;
