// nodemailer's pooled transport: as many connections as we use, no TLS, each message personalised.
// Usage: node nodemailer.mjs PORT MESSAGES CONNECTIONS PARTS.json [KEY.pem]
// With a key it signs each message by its own DKIM, and the fields that we sign.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import nodemailer from "nodemailer";

const [port, messages, connections] = process.argv.slice(2, 5).map(Number);
const parts = JSON.parse(readFileSync(process.argv[5], "utf8"));
const SIGNED = [
  "date", "from", "to", "subject", "message-id", "list-id", "list-unsubscribe",
  "list-unsubscribe-post", "list-post", "precedence", "x-auto-response-suppress", "feedback-id",
  "mime-version", "content-type",
].join(":");
const signing = process.argv[6] && {
  domainName: "example.org",
  keySelector: "bench",
  privateKey: readFileSync(process.argv[6], "utf8"),
  headerFieldNames: SIGNED,
};
const transport = nodemailer.createTransport({
  ...(signing && { dkim: signing }),
  host: "127.0.0.1",
  port,
  ignoreTLS: true,
  pool: true,
  maxConnections: connections,
  maxMessages: 100, // per connection, as ours and as its default
});
const KEY = "k".repeat(32);
const fill = (text, person) => text.replaceAll("{name}", person.name).replaceAll("{url}", person.url);

const begun = process.hrtime.bigint();
let next = 0;
const lane = async () => {
  while (next < messages) {
    const number = next++;
    const token = createHmac("sha256", KEY).update(`${number}`).digest("hex").slice(0, 32);
    const person = { name: `Person ${number}`, url: `https://news.example.org/u/${token}` };
    // The same mail as ours: list headers, an envelope sender and a Message-ID of its own, DSN.
    await transport.sendMail({
      envelope: { from: `b-${token}@bounces.example.org`, to: [`person${number}@d1.test`] },
      messageId: `<${token}@example.org>`,
      from: "The Weekly <weekly@example.org>",
      to: `person${number}@d1.test`,
      subject: parts.subject,
      text: fill(parts.text, person),
      html: fill(parts.html, person),
      headers: {
        "List-Id": "The Weekly <weekly.example.org>",
        "List-Unsubscribe": { prepared: true, value: `<${person.url}>` },
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Post": "NO",
        Precedence: "bulk",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "Feedback-ID": "bench:weekly:newsletter:weekly",
      },
      dsn: {
        id: token,
        return: "headers",
        notify: ["failure", "delay"],
        recipient: `person${number}@d1.test`,
      },
    });
  }
};
// Twice as many waiting as there are connections, so that none of them ever idles.
await Promise.all(Array.from({ length: 2 * connections }, lane));
console.log(messages / (Number(process.hrtime.bigint() - begun) / 1e9));
transport.close();
