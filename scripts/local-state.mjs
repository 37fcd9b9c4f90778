// What `make run` needs to know and keep on this machine. Prints shell assignments for run.sh.
//   node local-state.mjs check CONFIG PORT        is the file a JSON object, is the port free?
//   node local-state.mjs token STATE              a token, made once; the Worker gets its digest only
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

function die(reason, remedy) {
  process.stderr.write(`error: ${reason}\n   do: ${remedy}\n`);
  process.exit(1);
}

function readConfig(path) {
  let bytes;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const why = error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${error.code})`;
    die(`${path} ${why}`, 'give the path of a JSON file: make run CONFIG=path.json');
  }
  let value;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    die(`${path} is not JSON: ${error.message.split('\n')[0]}`, 'correct the file, then repeat');
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    die(`${path} is JSON, but not an object`, 'put the configuration into one JSON object');
  }
  return { bytes, value };
}

/** The pointer of the first plain value that is not at the top, to show a lookup with. */
function samplePointer(value, pointer = '') {
  for (const [key, child] of Object.entries(value)) {
    const here = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (child === null || typeof child !== 'object') {
      if (pointer !== '') return here;
    } else {
      const found = samplePointer(child, here);
      if (found) return found;
    }
  }
  return pointer === '' ? `/${Object.keys(value)[0] ?? ''}` : null;
}

function portIsFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

async function check(path, portText) {
  const { bytes, value } = readConfig(path);
  const port = Number(portText);
  if (!/^\d+$/.test(portText) || port < 1 || port > 65535) {
    die(`PORT=${portText} is not a port`, 'give a number from 1 to 65535: make run PORT=8788');
  }
  if (!(await portIsFree(port))) {
    die(`port ${port} is taken`, `stop what listens there, or choose another: make run PORT=${port === 65535 ? 8788 : port + 1}`);
  }
  console.log(`config_hash=${sha256(bytes)}`);
  console.log(`sample_pointer='${encodeURI(samplePointer(value)).replaceAll("'", '%27').replaceAll('&', '%26').replaceAll('#', '%23').replaceAll('+', '%2B')}'`);
}

function token(state) {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const path = join(state, 'token');
  if (!existsSync(path)) writeFileSync(path, randomBytes(32).toString('base64url'), { mode: 0o600 });
  chmodSync(path, 0o600);
  const digest = sha256(readFileSync(path, 'utf8').trim());
  const tokens = [{ name: 'local', sha256: digest, scopes: ['read', 'reload', 'publish'] }];
  writeFileSync(join(state, 'dev.vars'), `BELLWETHER_TOKENS='${JSON.stringify(tokens)}'\n`, { mode: 0o600 });
}

const [command, ...args] = process.argv.slice(2);
if (command === 'check') await check(...args);
else if (command === 'token') token(...args);
else die(`unknown command ${command}`, 'see the head of this file');
