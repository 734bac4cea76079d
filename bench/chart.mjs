/** One bar a row that has a goal: how near it is to its goal, or how far beyond. */
const [WIDTH, LABEL, ROW] = [900, 470, 26];
/** The goal's line stands here. */
const GOAL_AT = LABEL + 180;

export function chart(rows) {
  const shown = rows.filter((row) => row.goal !== undefined && row.median > 0);
  const height = 50 + shown.length * ROW;
  const bars = shown.map((row, index) => bar(row, 40 + index * ROW)).join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="10" y="20" font-size="14">Measured against the goals: bars that reach the line meet theirs</text>
${bars}
<line x1="${GOAL_AT}" y1="30" x2="${GOAL_AT}" y2="${height - 8}" stroke="black" stroke-dasharray="4 3"/>
</svg>
`;
}

function bar({ what, goal: [relation, limit], median }, y) {
  const reached = relation === '>=' ? median / limit : limit / median;
  const width = Math.min(WIDTH - LABEL - 70, Math.max(2, reached * (GOAL_AT - LABEL)));
  const colour = reached >= 1 ? '#2a7f62' : '#b5562d';
  const label = what.replaceAll('`', '').replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const short = label.length > 76 ? `${label.slice(0, 75)}…` : label;
  return `<text x="${LABEL - 8}" y="${y + 13}" text-anchor="end">${short}</text>
<rect x="${LABEL}" y="${y + 2}" width="${width.toFixed(0)}" height="${ROW - 10}" fill="${colour}"/>
<text x="${(LABEL + width + 6).toFixed(0)}" y="${y + 13}">${median.toFixed(2)} (${relation === '>=' ? '≥' : '≤'} ${limit})</text>`;
}
