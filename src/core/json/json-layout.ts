/** Lays a JSON text out for a person and back, token by token: numbers, escapes and repeated names keep their spelling. Pure. */

const INDENT = '  ';
/** Strings, punctuation, and everything else that is no white space. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** One value a line, indented by two. @param text valid JSON */
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

/** Without white space between the tokens. @param text valid JSON */
export function compactJson(text: string): string {
  return (text.match(TOKEN) ?? []).join('');
}
