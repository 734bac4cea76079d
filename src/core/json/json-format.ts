/** Formats JSON text for people, and compacts it again, token by token: every token keeps its spelling. Pure. */

const INDENT = '  ';
/** Strings, punctuation, and everything else that is not white space. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Puts each value on its own line, indented by two spaces. @param text valid JSON */
export function prettyJson(text: string): string {
  const tokens = text.match(TOKEN) ?? [];
  let out = '';
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    const previous = tokens[index - 1];
    const opened = previous === '{' || previous === '[';
    if (token === '}' || token === ']') {
      depth -= 1;
      out += opened ? token : `\n${INDENT.repeat(depth)}${token}`;
      continue;
    }
    if (opened || previous === ',') out += `\n${INDENT.repeat(depth)}`;
    out += token === ':' ? ': ' : token;
    if (token === '{' || token === '[') depth += 1;
  }
  return out;
}

/** Removes the white space between tokens. @param text valid JSON */
export function compactJson(text: string): string {
  return (text.match(TOKEN) ?? []).join('');
}
