import { Bind, Connection, Publisher } from '../../src/index.ts';

const connection = new Connection({ port: Number(process.argv[2]) });
await connection.cursor().createStream('q');
const publisher = new Publisher(connection, new Bind('q'));
if (process.argv[3] === 'await') await publisher.sendMessage('hello world');
else void publisher.sendMessage('hello world');
process.stdout.write('sent\n');
