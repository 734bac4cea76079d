/**
 * Draws a recording as one SVG that needs nothing else: no script, font or image from elsewhere. All animations last as
 * long as the whole and loop together. Without animation (`prefers-reduced-motion`) the last frame is shown.
 */
import { COLUMNS, text } from './terminal.mjs';

const CELL = 8.4;
const LINE = 20;
const GAP = 8;
const PAD = 20;
const BAR = 40;
const WIDTH = Math.round(COLUMNS * CELL + 2 * PAD);
const PROMPT = '$ ';
const LETTERS_PER_SECOND = 90;
const LONGEST_TYPING = 0.8;
const SHORTEST_TYPING = 0.25;
const ENTER = 0.2;
const LOOK_ROUND = 0.5;

const STYLE = `
svg{--back:#fff;--bar:#f6f8fa;--edge:#d0d7de;--text:#1f2328;--dim:#59636e;--red:#c5162e;--green:#1a7f37;--yellow:#8a5a00;--cyan:#0b6e7d}
@media (prefers-color-scheme:dark){svg{--back:#0d1117;--bar:#161b22;--edge:#30363d;--text:#e6edf3;--dim:#9198a1;--red:#ff7b72;--green:#3fb950;--yellow:#d9a32a;--cyan:#56d4dd}}
text{fill:var(--text);white-space:pre}
.row{font:14px ui-monospace,SFMono-Regular,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace}
.say{font:600 13px -apple-system,BlinkMacSystemFont,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif}
.bold{font-weight:700}.dim{fill:var(--dim)}
.red{fill:var(--red)}.green{fill:var(--green)}.yellow{fill:var(--yellow)}.cyan{fill:var(--cyan)}
.back{fill:var(--back)}.bar{fill:var(--bar)}.edge{fill:none;stroke:var(--edge)}.dot{fill:var(--edge)}
.wire{fill:none;stroke-width:2;stroke-linecap:round}.wire.red{stroke:var(--red)}.wire.green{stroke:var(--green)}
.off,.typing{opacity:0}
`;

/** When what happens, in seconds: each command with its times, and the end of all. */
function schedule(scenes) {
  let now = 0;
  let promptAt = 0;
  const timed = scenes.map(({ commands, ...scene }) => {
    const from = now;
    if (!scene.isBelow) promptAt = now;
    now += LOOK_ROUND;
    const steps = commands.map((command) => {
      const typing = Math.max(SHORTEST_TYPING, command.line.length / LETTERS_PER_SECOND);
      const typedAt = now + Math.min(LONGEST_TYPING, typing);
      const step = { ...command, promptAt, typeAt: now, typedAt, outAt: typedAt + ENTER };
      // As in a shell, the next prompt stands below the output at once.
      promptAt = step.outAt;
      now = step.outAt + command.read;
      return step;
    });
    return { ...scene, steps, from, to: now };
  });
  return { timed, end: now };
}

function escape(words) {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** `textLength` keeps the columns of every row in line, whichever font the reader has. */
function drawRow(row, y) {
  const words = row.map(({ text: part, look }) =>
    look === '' ? escape(part) : `<tspan class="${look}">${escape(part)}</tspan>`,
  );
  const length = (text(row).length * CELL).toFixed(1);
  return `<text class="row" x="${PAD}" y="${y + 15}" textLength="${length}">${words.join('')}</text>`;
}

/** Collects keyframes; all steps of an element are given in seconds. */
function animator(end) {
  const rules = [];
  const percent = (seconds) => `${Number(((100 * seconds) / end).toFixed(2))}%`;
  const named = (frames) => {
    rules.push(`@keyframes k${rules.length}{${frames}}`);
    return `style="animation-name:k${rules.length - 1}"`;
  };
  return {
    css: () => `.a{animation:${end.toFixed(2)}s step-end infinite}\n${rules.join('\n')}\n`,
    /** Visible from one moment to another, else not. */
    during(from, to = end) {
      const before = from > 0 ? '0%{opacity:0}' : '';
      const after = to < end ? `${percent(to)}{opacity:0}` : '';
      return named(`${before}${percent(from)}{opacity:1}${after}`);
    },
    /** Hides a line and uncovers it letter by letter; at the end it is away. */
    typing({ line, promptAt, typeAt, typedAt, outAt }) {
      const right = `translateX(${(line.length * CELL).toFixed(1)}px)`;
      const start = promptAt > 0 ? '0%{opacity:0}' : '';
      return named(
        `${start}${percent(promptAt)}{opacity:1;transform:none}` +
          `${percent(typeAt)}{opacity:1;transform:none;animation-timing-function:steps(${line.length})}` +
          `${percent(typedAt)}{opacity:1;transform:${right}}${percent(outAt)}{opacity:0;transform:${right}}`,
      );
    },
  };
}

/** One screen: scenes that stand below each other until the screen is cleared. */
function drawScreen(scenes, motion, isLast) {
  let y = BAR + PAD - 4;
  const parts = [];
  const cursor = (x) => `<rect class="dim" x="${x}" y="${y + 2}" width="${CELL}" height="17"/>`;
  const afterPrompt = PAD + PROMPT.length * CELL;
  for (const step of scenes.flatMap(({ steps }) => steps)) {
    const command = [
      { text: PROMPT, look: 'dim' },
      { text: step.line, look: 'bold' },
    ];
    const cover = `<rect class="back" x="${afterPrompt}" y="${y}" width="${WIDTH}" height="${LINE}"/>${cursor(afterPrompt)}`;
    parts.push(
      `<g class="a" ${motion.during(step.promptAt)}>${drawRow(command, y)}</g>`,
      `<g class="a typing" ${motion.typing(step)}>${cover}</g>`,
    );
    y += LINE;
    const output = step.rows.map((row, at) => (row.length === 0 ? '' : drawRow(row, y + at * LINE)));
    parts.push(`<g class="a" ${motion.during(step.outAt)}>${output.join('')}</g>`);
    y += step.rows.length * LINE + GAP;
  }
  const { steps, to } = scenes.at(-1);
  parts.push(
    `<g class="a" ${motion.during(steps.at(-1).outAt)}>${drawRow([{ text: '$', look: 'dim' }], y)}${cursor(afterPrompt)}</g>`,
  );
  const shown = motion.during(scenes[0].from, to);
  return { svg: `<g class="a${isLast ? '' : ' off'}" ${shown}>\n${parts.join('\n')}\n</g>`, bottom: y + LINE };
}

/** The network: two ends of a cable, and the word beside it for whoever does not see the colour. */
function drawCable(isOnline, shown, off) {
  const x = WIDTH - PAD;
  const y = BAR / 2;
  const colour = isOnline ? 'green' : 'red';
  const from = x - 44;
  const wire = isOnline
    ? `M${from + 4} ${y}H${x - 4}`
    : `M${from + 4} ${y}h9M${x - 13} ${y}h9M${from + 18} ${y - 4}l8 8M${from + 26} ${y - 4}l-8 8`;
  return (
    `<g class="a${off}" ${shown}><circle class="${colour}" cx="${from}" cy="${y}" r="4"/>` +
    `<circle class="${colour}" cx="${x}" cy="${y}" r="4"/><path class="wire ${colour}" d="${wire}"/>` +
    `<text class="say ${colour}" x="${from - 12}" y="${y + 4.5}" text-anchor="end">${isOnline ? 'online' : 'offline'}</text></g>`
  );
}

function drawBar(timed, motion) {
  const dots = [0, 1, 2].map((n) => `<circle class="dot" cx="${PAD + 2 + n * 18}" cy="${BAR / 2}" r="5.5"/>`);
  const captions = timed.map(({ caption, from, to }, at) => {
    const off = at < timed.length - 1 ? ' off' : '';
    const place = `x="${WIDTH / 2}" y="${BAR / 2 + 4.5}" text-anchor="middle"`;
    return `<text class="say a${off}" ${place} ${motion.during(from, to)}>${escape(caption)}</text>`;
  });
  const back = timed.find(({ isOnline }) => isOnline).from;
  const cables = [drawCable(false, motion.during(0, back), ' off'), drawCable(true, motion.during(back), '')];
  return [...dots, ...captions, ...cables].join('\n');
}

/** `scenes`: { caption, isOnline, isBelow, commands: [{ line, rows, read }] }, in order. */
export function draw(scenes, { title, description }) {
  const { timed, end } = schedule(scenes);
  const motion = animator(end);
  const starts = timed.flatMap(({ isBelow }, at) => (isBelow ? [] : [at]));
  const screens = starts.map((start, n) =>
    drawScreen(timed.slice(start, starts[n + 1]), motion, n === starts.length - 1),
  );
  const bar = drawBar(timed, motion);
  const height = Math.max(...screens.map(({ bottom }) => bottom)) + PAD - 2;
  const window = `width="${WIDTH - 1}" height="${height - 1}" rx="10"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title desc" xml:space="preserve">
<title id="title">${escape(title)}</title>
<desc id="desc">${escape(description)}</desc>
<style>${STYLE}${motion.css()}@media (prefers-reduced-motion:reduce){.a{animation:none}}
</style>
<clipPath id="window"><rect x=".5" y=".5" ${window}/></clipPath>
<g clip-path="url(#window)"><rect class="back" width="${WIDTH}" height="${height}"/>
${screens.map(({ svg }) => svg).join('\n')}
<rect class="bar" width="${WIDTH}" height="${BAR}"/>
${bar}</g>
<path class="edge" d="M0 ${BAR + 0.5}H${WIDTH}"/><rect class="edge" x=".5" y=".5" ${window}/>
</svg>
`;
}
