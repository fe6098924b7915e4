/**
 * A change of the cell that may take an error away. Nobody knows beforehand: {@link ./checker.ts} checks the cell with
 * it, and proposes what does.
 */
export interface Fix {
  start: number;
  end: number;
  text: string;
  /** What is wrong, in front of "Write: ...". */
  why: string;
  /** It helps where it ends errors that say this, though others may come instead. Default: it must end all. */
  ends?: RegExp;
}
