/** HTML and SVG as tagged templates: whatever is put in is text and is escaped, unless it is markup of this file. */

/** Markup that is safe to put into a page as it is. Only `html` makes it. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

type Part = Html | string | number | undefined | readonly Html[];

/** html`<td title="${name}">${value}</td>`: strings and numbers are escaped, undefined is nothing. */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let markup = literals[0] ?? '';
  parts.forEach((part, i) => {
    markup += markupOf(part) + (literals[i + 1] ?? '');
  });
  return new Html(markup);
}

/** Text for element content and for attributes in double or single quotes. */
export function escapeText(text: string): string {
  // Characters that no HTML or XML document may hold would end up as themselves.
  return text
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(FORBIDDEN, '\uFFFD');
}

/** Control characters except tab and line breaks, lone surrogates, and the two noncharacters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\uFFFE\uFFFF]|\p{Cs}/gu;

function markupOf(part: Part): string {
  if (part === undefined) return '';
  if (part instanceof Html) return part.markup;
  if (typeof part === 'string') return escapeText(part);
  if (typeof part === 'number') return escapeText(String(part));
  return part.map((one) => one.markup).join('');
}
