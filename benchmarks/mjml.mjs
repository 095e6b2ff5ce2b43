// marked, mjml and juice as their documentation shows them: Markdown into mj-text, styles inlined.
// Usage: node mjml.mjs ISSUES.json ROUNDS   prints {"name": milliseconds, …}, medians, warm.
import { readFileSync } from "node:fs";
import juice from "juice";
import { marked } from "marked";
import mjml from "mjml";

const issues = JSON.parse(readFileSync(process.argv[2], "utf8"));
const rounds = Number(process.argv[3]);
const css = readFileSync(process.argv[4], "utf8");

const render = async (body) => {
  const content = marked.parse(body);
  const shell = `<mjml><mj-head><mj-style>${css}</mj-style></mj-head><mj-body><mj-section><mj-column>
    <mj-text css-class="content">${content}</mj-text></mj-column></mj-section></mj-body></mjml>`;
  const { html } = await mjml(shell, { validationLevel: "skip", keepComments: true });
  return juice(html);
};

const medians = {};
for (const [name, body] of Object.entries(issues)) {
  const took = [];
  for (let round = 0; round <= rounds; round++) {
    const begun = process.hrtime.bigint();
    await render(body);
    took.push(Number(process.hrtime.bigint() - begun) / 1e6);
  }
  took.shift(); // the cold one
  medians[name] = took.sort((a, b) => a - b)[took.length >> 1];
}
console.log(JSON.stringify(medians));
