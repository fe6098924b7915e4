/** Whether a character takes two columns in a fixed-width font: East Asian wide and full-width forms, emoji. */
export function isWide(character: string): boolean {
  return (
    character > "\u10ff" &&
    /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u.test(
      character,
    )
  );
}

/** How many columns of a fixed-width font a text takes. Combining marks take none. */
export function columns(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) {
    if (/\p{M}|\p{Cf}/u.test(character)) continue;
    width += isWide(character) ? 2 : 1;
  }
  return width;
}
