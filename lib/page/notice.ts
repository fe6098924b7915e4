/**
 * Tells the user something that is worth knowing and no error, in a line of standard output: what is written to standard
 * error would fail an automatically graded cell.
 */
export function notice(message: string): void {
  console.log(message);
}
