// One article from a file to a digest, printed as JSON. Loads the .proto as it
// is, so nothing has to be generated.
//
//     svodka serve &
//     cd examples/javascript && npm install
//     node digest.mjs ../../samples/nato-2014.txt
//     node digest.mjs page.html 127.0.0.1:50051

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const [file, server = "127.0.0.1:50051"] = process.argv.slice(2);
if (!file) {
  console.error("usage: node digest.mjs FILE [HOST:PORT]");
  process.exit(2);
}

// Beside this repository's examples; copy the file into your own project.
const PROTO =
  process.env.SVODKA_PROTO ??
  fileURLToPath(new URL("../../proto/svodka/v1/svodka_service.proto", import.meta.url));

const definition = protoLoader.loadSync(PROTO, {
  keepCase: true, // summary_ru, as the contract writes it, and not summaryRu
  enums: String, // "SPAN_KIND_USED", and not 1
  longs: Number,
  defaults: true, // empty fields are there, too
  oneofs: true,
});
const { SvodkaService } = grpc.loadPackageDefinition(definition).svodka.v1;

const client = new SvodkaService(server, grpc.credentials.createInsecure(), {
  // An answer holds texts, too; the default limit of 4 MB is little for long articles.
  "grpc.max_receive_message_length": 64 * 1024 * 1024,
});

let content;
try {
  content = readFileSync(file, "utf8");
} catch (error) {
  console.error(`cannot read ${file}: ${error.message}`);
  process.exit(1);
}
// The body is a oneof: text or html.
const body = /\.html?$/.test(file) ? { html: content } : { text: content };
const request = { article: { id: file, ...body }, summary: { max_sentences: 3 } };

// Always set a deadline: without one, a lost answer is waited for for ever.
const deadline = new Date(Date.now() + 300_000);

client.Digest(request, { deadline }, (error, digest) => {
  if (error) {
    const away = error.code === grpc.status.UNAVAILABLE;
    const hint = away ? " (is `svodka serve` running and warm?)" : "";
    console.error(`${server}: ${grpc.status[error.code]}: ${error.details}${hint}`);
    process.exitCode = 1;
  } else {
    console.log(JSON.stringify(digest, null, 2));
  }
  client.close();
});
