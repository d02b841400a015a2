import { Bind, Connection, respond } from '@simplemq/client';

const connection = new Connection({ port: Number(process.argv[2]) });
const responder = respond(connection, new Bind('missing'), () => 1);
// FOLLOW goes with the first of them, so that it was refused when the second is answered.
await connection.cursor().listStreams();
await connection.cursor().listStreams();
await new Promise((resolve) => setImmediate(resolve));
await responder.close().catch(({ code }) => process.stdout.write(`${code}\n`));
