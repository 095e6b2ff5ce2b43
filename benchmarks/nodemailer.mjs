// nodemailer's pooled transport: as many connections as we use, no TLS, each message personalised.
// Usage: node nodemailer.mjs PORT MESSAGES CONNECTIONS PARTS.json
import { readFileSync } from "node:fs";
import nodemailer from "nodemailer";

const [port, messages, connections] = process.argv.slice(2, 5).map(Number);
const parts = JSON.parse(readFileSync(process.argv[5], "utf8"));
const transport = nodemailer.createTransport({
  host: "127.0.0.1",
  port,
  ignoreTLS: true,
  pool: true,
  maxConnections: connections,
  maxMessages: 100, // per connection, as ours and as its default
});
const fill = (text, person) => text.replaceAll("{name}", person.name).replaceAll("{url}", person.url);

const begun = process.hrtime.bigint();
let next = 0;
const lane = async () => {
  while (next < messages) {
    const number = next++;
    const person = { name: `Person ${number}`, url: `https://news.example.org/u/${number}` };
    await transport.sendMail({
      from: "The Weekly <weekly@example.org>",
      to: `person${number}@example.net`,
      subject: parts.subject,
      text: fill(parts.text, person),
      html: fill(parts.html, person),
      headers: { "List-Unsubscribe": `<${person.url}>` },
    });
  }
};
// Twice as many waiting as there are connections, so that none of them ever idles.
await Promise.all(Array.from({ length: 2 * connections }, lane));
console.log(messages / (Number(process.hrtime.bigint() - begun) / 1e9));
transport.close();
