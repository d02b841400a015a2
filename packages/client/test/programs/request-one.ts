import { Bind, Connection, Requester } from '../../src/index.ts';

const connection = new Connection({ port: Number(process.argv[2]) });
const requester = new Requester<number, number>(connection, new Bind('sums'));
process.stdout.write(`${await requester.request(1)}\n`);
