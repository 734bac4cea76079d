/** How output looks: colour, terminal or pipe, width. Every renderer is given a `Look`; none asks the system. */

import type { Suggest } from './suggest.js';

type Paint = (text: string) => string;

export interface Style {
  bold: Paint;
  dim: Paint;
  red: Paint;
  yellow: Paint;
  green: Paint;
  cyan: Paint;
}

export interface Look {
  /** Stdout is a terminal: tables, relative times, cut to the width. Else plain, stable, uncut lines. */
  terminal: boolean;
  /** Columns of the terminal. Default 80. */
  columns: number;
  style: Style;
  /** Epoch ms: the base of relative times. */
  now: number;
  /** Completes suggested commands, see `suggest.ts`. */
  suggest: Suggest;
}

const same: Paint = (text) => text;

/** No colour at all. */
export const PLAIN_STYLE: Style = { bold: same, dim: same, red: same, yellow: same, green: same, cyan: same };

export interface ColourFacts {
  /** `--no-color` was given. */
  refused: boolean;
  /** Environment variables as they are. */
  noColor: string | undefined;
  forceColor: string | undefined;
  term: string | undefined;
  terminal: boolean;
}

/**
 * Whether to use colour. NO_COLOR (any value but empty, https://no-color.org) wins over FORCE_COLOR, as in oclif's own
 * output; chalk 5 does not know NO_COLOR.
 */
export function wantsColour(facts: ColourFacts): boolean {
  if (facts.refused) return false;
  if (facts.noColor !== undefined && facts.noColor !== '') return false;
  if (facts.forceColor !== undefined) return !['0', 'false'].includes(facts.forceColor);
  return facts.terminal && facts.term !== 'dumb';
}

let coloured: Style | undefined;

/** The one chalk instance, loaded at the first use of colour. */
export async function colourStyle(): Promise<Style> {
  if (coloured === undefined) {
    const { Chalk } = await import('chalk');
    const chalk = new Chalk({ level: 1 });
    coloured = {
      bold: (text) => chalk.bold(text),
      dim: (text) => chalk.dim(text),
      red: (text) => chalk.red(text),
      yellow: (text) => chalk.yellow(text),
      green: (text) => chalk.green(text),
      cyan: (text) => chalk.cyan(text),
    };
  }
  return coloured;
}
