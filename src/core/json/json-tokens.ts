/**
 * Walks JSON text value by value without building it, so that a copy can keep every byte it does not change, and so
 * that a mistake in a config file has a line and a column (engines quote the text itself, which may hold a secret).
 */

/** One value as it stands in the text. */
export interface JsonValue {
  /** Keys and list indexes from the root to this value. The array is reused: copy it to keep it. */
  steps: readonly (string | number)[];
  kind: 'object' | 'array' | 'string' | 'number' | 'word';
  /** Offset of its first character. */
  start: number;
  /** Offset after its last character; for an object or array known only when it ends, so -1 at its begin. */
  end: number;
}

/** Told about each value: at its begin, and for objects and arrays again at their end (with `end` set). */
export type JsonVisitor = (value: JsonValue) => void;

/** Told where the key of a member stands, quotes included. */
export type KeyVisitor = (start: number, end: number) => void;

/** Where and why a text is no JSON (RFC 8259). Holds nothing of the text. */
export class JsonTextError extends Error {
  override readonly name = 'JsonTextError';
  /** Both count from 1; the column in UTF-16 units. */
  readonly line: number;
  readonly column: number;

  constructor(text: string, offset: number, problem: string) {
    super(problem);
    const before = text.slice(0, offset);
    this.line = before.split('\n').length;
    this.column = offset - before.lastIndexOf('\n');
  }
}

const BLANK = /[\t\n\r ]*/y;
// Unrolled (plain run, then escape and plain run again): linear in time, and no engine stack per character.
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y; // eslint-disable-line no-control-regex -- RFC 8259, section 7 forbids them
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/** An object or array that has begun and not ended. */
interface Open {
  kind: 'object' | 'array';
  start: number;
  /** Keys seen so far; undefined where a second one is nobody's mistake. */
  keys: Set<string> | undefined;
  index: number;
}

/**
 * Walks one JSON document. Keeps its own stack, so depth costs memory only.
 *
 * @param uniqueKeys  refuse an object that has the same key twice (JSON.parse would silently keep the last)
 * @throws {JsonTextError}
 */
export function walkJson(text: string, visit: JsonVisitor, uniqueKeys: boolean, visitKey?: KeyVisitor): void {
  new Walker(text, visit, uniqueKeys, visitKey).run();
}

class Walker {
  private readonly text: string;
  private readonly visit: JsonVisitor;
  private readonly uniqueKeys: boolean;
  private readonly visitKey: KeyVisitor | undefined;
  private readonly open: Open[] = [];
  private readonly steps: (string | number)[] = [];
  private at = 0;

  constructor(text: string, visit: JsonVisitor, uniqueKeys: boolean, visitKey: KeyVisitor | undefined) {
    this.text = text;
    this.visit = visit;
    this.uniqueKeys = uniqueKeys;
    this.visitKey = visitKey;
  }

  run(): void {
    this.blank();
    this.value();
    for (let top = this.open.at(-1); top !== undefined; top = this.open.at(-1)) {
      this.blank();
      if (this.closes(top.kind)) {
        this.open.pop();
        this.steps.pop();
        this.tell(top.kind, top.start, this.at);
        continue;
      }
      if (top.index >= 0) this.comma();
      top.index += 1;
      this.steps[this.steps.length - 1] = top.kind === 'array' ? top.index : this.key(top);
      this.value();
    }
    this.blank();
    if (this.at < this.text.length) this.stop('something follows after the end of the document');
  }

  /** Reads a scalar whole, or the opening bracket of an object or array. */
  private value(): void {
    const start = this.at;
    const first = this.text[start];
    if (first === '{' || first === '[') {
      const kind = first === '{' ? 'object' : 'array';
      this.tell(kind, start, -1);
      this.at += 1;
      const keys = kind === 'object' && this.uniqueKeys ? new Set<string>() : undefined;
      this.open.push({ kind, start, keys, index: -1 });
      this.steps.push(-1);
    } else if (first === '"') {
      if (!this.take(STRING)) this.stop('a string does not end, or holds a control character or a bad escape');
      this.tell('string', start, this.at);
    } else if (this.take(NUMBER)) {
      this.tell('number', start, this.at);
    } else if (this.take(WORD)) {
      this.tell('word', start, this.at);
    } else {
      this.stop('a value is missing, or something here is not JSON');
    }
  }

  /** Reads `"key":` and returns the key. */
  private key(top: Open): string {
    const start = this.at;
    if (!this.take(STRING)) this.stop('a key in double quotes is missing');
    const name = JSON.parse(this.text.slice(start, this.at)) as string;
    if (top.keys?.has(name) === true) {
      this.at = start;
      this.stop('the same key stands twice in one object');
    }
    top.keys?.add(name);
    this.visitKey?.(start, this.at);
    this.blank();
    if (this.text[this.at] !== ':') this.stop('a colon is missing after the key');
    this.at += 1;
    this.blank();
    return name;
  }

  /** Reads the closing bracket if it is there. A comma before it is caught by whoever looks for what follows it. */
  private closes(kind: Open['kind']): boolean {
    if (this.text[this.at] !== (kind === 'object' ? '}' : ']')) return false;
    this.at += 1;
    return true;
  }

  private comma(): void {
    if (this.text[this.at] !== ',') this.stop('a comma is missing');
    this.at += 1;
    this.blank();
  }

  private blank(): void {
    this.take(BLANK);
  }

  private take(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return false;
    this.at = pattern.lastIndex;
    return true;
  }

  private tell(kind: JsonValue['kind'], start: number, end: number): void {
    this.visit({ steps: this.steps, kind, start, end });
  }

  private stop(problem: string): never {
    const early = this.at >= this.text.length;
    throw new JsonTextError(this.text, this.at, early ? 'the text ends too early' : problem);
  }
}
