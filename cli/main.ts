import { Command, InvalidArgumentError, Option } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { placeArgument } from './place-argument.ts';
import { assertFolderUsable } from './usable-folder.ts';
import { userErrorText } from './user-error.ts';

const port = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) {
    throw new InvalidArgumentError('expected a port, 0 to 65535');
  }
  return value;
};

const positive = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('expected a number above 0');
  return value;
};

const count = (text: string): number => {
  const value = positive(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('expected a whole number');
  return value;
};

/** A day is taken in Beijing time, as the law's days are. */
const instant = (text: string): number => {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  const atMs = Date.parse(isDay ? `${text}T00:00:00+08:00` : text);
  if (Number.isNaN(atMs)) {
    throw new InvalidArgumentError('expected YYYY-MM-DD, or a time as 2026-11-10T08:00:00+08:00');
  }
  return atMs;
};

const program = new Command('wugan')
  .description('Off-site supervision of occupational health (无感监管)')
  .version(packageJson.version)
  .showHelpAfterError();

program
  .command('demo')
  .description('everything in one command, on recorded data, with nothing installed')
  .option('--speed <n>', 'virtual seconds per second until it reaches now', positive, 120)
  .option('--data-dir <dir>', 'where database, spool and keys live', '.wugan')
  .option('--http-port <port>', 'API and page', port, 8_080)
  .option('--mqtt-port <port>', 'embedded broker', port, 1_883)
  .option('--database-port <port>', 'embedded PostgreSQL', port, 54_321)
  .option('--platform-port <port>', 'simulated enforcement platform', port, 8_090)
  .option('--modbus-port <port>', 'first port of the simulated sensors', port, 15_020)
  .option('--json', 'print events as JSON lines', false)
  .action(async (options) => {
    assertFolderUsable(options.dataDir, '--data-dir');
    await (await import('./demo.ts')).runDemo(options);
  });

const hub = program.command('hub').description('ingest, thresholds, alerts and API');

hub
  .command('run', { isDefault: true })
  .description('runs until SIGINT or SIGTERM')
  .requiredOption('-c, --config <file>', 'hub.yaml (docs/contracts.md)')
  .option(
    '--roles <roles>',
    'only these roles, commas between (docs/deployment.md); all by default',
  )
  .option('--json', 'print events as JSON lines', false)
  .action(async (options) => (await import('./hub.ts')).runHub(options));

hub
  .command('password')
  .description('makes the password of a client of the embedded broker, and prints it once')
  .argument('<client-id>', "a gateway's id, or one of ingest.bridges")
  .requiredOption('-f, --file <file>', 'ingest.broker.passwordsFile; made when it is not there')
  .action(async (clientId, options) => {
    (await import('./hub-password.ts')).runHubPassword(clientId, options);
  });

const gateway = program
  .command('gateway')
  .description('polls sensors, keeps every reading, publishes over MQTT (docs/gateway.md)');

const SETTINGS = ['-c, --config <file>', 'gateway.yaml (docs/gateway.md)'] as const;

gateway
  .command('run', { isDefault: true })
  .description('runs until SIGINT or SIGTERM; SIGHUP reads the settings anew')
  .requiredOption(...SETTINGS)
  .action(async (options) => (await import('./gateway.ts')).runGateway(options));

gateway
  .command('keygen')
  .description("makes the gateway's private key and prints the public one for the registry")
  .requiredOption('-o, --out <file>', 'where the key goes; never overwritten')
  .action(async (options) => (await import('./gateway-keygen.ts')).runKeygen(options));

gateway
  .command('check')
  .description('checks settings and templates, prints poll plan and bus budget')
  .requiredOption(...SETTINGS)
  .action(async (options) => (await import('./gateway-check.ts')).runCheck(options));

gateway
  .command('probe')
  .description('reads a device once and shows its words in every byte order')
  .requiredOption(...SETTINGS)
  .requiredOption('-d, --device <id>', 'a device of the settings')
  .option(
    '-r, --read <table:address:words>',
    'other registers, e.g. holding:100:2',
    placeArgument,
    [],
  )
  .action(async (options) => (await import('./gateway-probe.ts')).runProbe(options));

gateway
  .command('status')
  .description('asks the running gateway: buses, devices, spool, last ack')
  .requiredOption(...SETTINGS)
  .option('--json', 'machine-readable', false)
  .option('--raw', 'the last requests and replies of each bus, in hex', false)
  .option('--metrics', 'Prometheus text, for the textfile collector', false)
  .action(async (options) => (await import('./gateway-status.ts')).runStatus(options));

const simulate = program
  .command('simulate')
  .description('stand-ins for sensors, platform and fleet');

simulate
  .command('sensors')
  .description('Modbus TCP sensors that play recorded series')
  .requiredOption('-c, --config <file>', 'a scenario, e.g. simulators/demo/sensors.yaml')
  .action(async (options) => (await import('./simulate.ts')).runSensors(options));

simulate
  .command('platform')
  .description('the enforcement platform of docs/contracts.md')
  .option('--port <port>', 'HTTP port', port, 8_090)
  .option('--access-key <key>', 'access key that clients sign with', 'demo')
  .requiredOption('--secret-key <key>', 'secret key that clients sign with')
  .action(async (options) => (await import('./simulate.ts')).runPlatform(options));

simulate
  .command('fleet')
  .description('many gateways with real chains, for load')
  .option('--mqtt-url <url>', 'mqtt://host:port', 'mqtt://127.0.0.1:1883')
  .option('--gateways <n>', 'how many', count, 100)
  .option('--load <A|B|C>', 'A 2×5, B 10×5, C 10×1 values a batch', 'A')
  .option('--seconds <n>', 'how long', positive, 30)
  .option('--print-registry', 'print the registry.yaml that the hub needs for it, and end', false)
  .action(async (options) => (await import('./simulate.ts')).runFleetCommand(options));

const another = (text: string, before: readonly string[]): string[] => [...before, text];

simulate
  .command('hj212')
  .description('a device that speaks HJ 212 over TCP (docs/hj212.md)')
  .option('--address <host:port>', 'the hub', '127.0.0.1:5212')
  .requiredOption('--mn <mn>', 'its MN, as the registry has it')
  .option('--edition <year>', '2005, 2017 or 2025', count, 2_017)
  .option('--st <code>', 'its system code', '39')
  .option('--value <code=number>', 'what it measures; any number of times', another, [])
  .option('--interval <s>', 'seconds between two frames', positive, 30)
  .option('--frames <n>', 'how many; until Ctrl-C when not given', count, 0)
  .option('--deviation <name>', 'how it leaves the standard; any number of times', another, [])
  .option('--cipher-key-file <file>', '2025: encrypt with the 32 hex digits in it')
  .action(async (options) => (await import('./simulate-hj212.ts')).runHj212Command(options));

simulate
  .command('sparkplug')
  .description('an edge node that speaks Sparkplug B, with one device (docs/sparkplug.md)')
  .option('--mqtt-url <url>', 'broker of the host', 'mqtt://127.0.0.1:1883')
  .option('--group <name>', 'as registered', 'Plant')
  .option('--edge-node <name>', 'as registered', 'edge-1')
  .option('--client-id <id>', "on the hub's own broker: the id of its gateway")
  .option('-d, --device <name>', 'as registered', 'meter-a')
  .option('--value <metric=number>', 'what it measures; any number of times', another, [])
  .option('--seconds <n>', 'how long; until Ctrl-C when not given', positive, 0)
  .option('--primary-host <id>', 'publishes only while this host is online, and stores else')
  .option('--lose-every <n>', 'every n-th message is lost', count, 0)
  .option('--die-after <s>', 'the connection breaks after so long, again and again', positive, 0)
  .action(async (options) =>
    (await import('./simulate-sparkplug.ts')).runSparkplugCommand(options),
  );

program
  .command('import')
  .description('readings from a .csv or .ndjson file into the journal; checks the whole file first')
  .argument('<file>', 'the file; a mapping says what its columns are')
  .requiredOption('-m, --mapping <file>', 'mapping, see docs/import.md')
  .option('--dry-run', 'only check, and report every fault', false)
  .option('--skip-faulty', 'leave rows with faults out', false)
  .option('--mqtt-url <url>', 'broker of the hub', 'mqtt://127.0.0.1:1883')
  .option('--client-id <id>', 'a client that ingest.bridges lets publish', 'wugan-import')
  .option('--encoding <name>', 'of the file, e.g. utf8, gb18030', 'utf8')
  .option('--delimiter <text>', 'between columns', ',')
  .option('--faults <n>', 'most faults printed', count, 100)
  .action(async (file, options) => {
    process.exitCode = await (await import('./import.ts')).runImport(file, options);
  });

const HUB_URL = ['--url <url>', 'the hub', 'http://127.0.0.1:8080'] as const;

const deadLetters = program
  .command('dead-letters')
  .description('messages that a hub could not use, kept with the reason');

deadLetters
  .command('list')
  .description('newest first')
  .option('--reason <reason>', 'only these, e.g. unknown-gateway')
  .option('--json', 'one JSON object a line', false)
  .option(...HUB_URL)
  .action(async (options) => (await import('./dead-letters.ts')).listLetters(options));

deadLetters
  .command('show')
  .description('one with its bytes')
  .argument('<id>')
  .option(...HUB_URL)
  .action(async (id, options) => (await import('./dead-letters.ts')).showLetter(id, options));

deadLetters
  .command('replay')
  .description('takes them in again, after what was wrong was mended')
  .argument('[ids...]')
  .option('--reason <reason>', 'all of this reason instead')
  .requiredOption('--token-file <file>', "the operator's token, see http.operatorTokenFile")
  .option(...HUB_URL)
  .action(async (ids, options) => {
    process.exitCode = await (await import('./dead-letters.ts')).replayLetters(ids, options);
  });

program
  .command('verify')
  .description('recompute an evidence package offline; exit code 0 only if everything matches')
  .argument('<file>', 'the package as GET /api/v1/evidence/{packageId} gives it')
  .option('--id <sha256>', 'the package id that the clue names')
  .option('--raw <file>', 'raw messages as GET /api/v1/evidence/{packageId}/raw gives them')
  .option('--key <base64...>', "registered public keys of the raw messages' gateways")
  .action(async (file, options) => {
    const { verifyPackage } = await import('./verify.ts');
    process.exitCode = verifyPackage(file, options) ? 0 : 1;
  });

program
  .command('replay')
  .description('fold the journal through a fresh engine; what another edition would have said')
  .option('-c, --config <file>', 'hub.yaml: whose journal and settings')
  .option('--data-dir <dir>', "folder of an embedded database, the demo's too")
  .option('--journal <file>', 'an exported journal in place of the database')
  .option('--export-journal <file>', 'write the journal to a file that is not there yet')
  .addOption(new Option('--to <sink>', 'write to InfluxDB again instead').choices(['influx']))
  .option('--from <time>', 'shifts that start then or later; --to: event time', instant)
  .option('--until <time>', 'shifts that start earlier; --to: event time', instant)
  .option('--horizon <days>', "the engine's memory, in place of the settings'", positive)
  .option('--set <id|file>', 'another limit set, beside what stands, e.g. gbz-2019@2020-04-01')
  .option('--out <file>', 'write every revision as a JSON line')
  .option('--json', 'print JSON lines', false)
  .action(async (options) => {
    const { runReplay } = await import('./replay.ts');
    process.exitCode = (await runReplay(options)) ? 0 : 1;
  });

program
  .command('limits')
  .description('the limit table with its sources')
  .argument('[query]', 'part of a name, id or CAS number')
  .option('--json', 'machine-readable', false)
  .addOption(new Option('--lang <lang>', 'Chinese or English').choices(['zh', 'en']).default('zh'))
  .option('--set <id>', 'another table, e.g. osha-pel, gbz-2019@2020-04-01', 'gbz-2019')
  .action(async (query, options) => (await import('./limits.ts')).printLimits(query, options));

try {
  await program.parseAsync();
} catch (error) {
  // What the user can mend is said in words; anything else is a bug and keeps its stack.
  const text = userErrorText(error);
  if (text !== undefined) {
    console.error(text);
    process.exit(2);
  }
  throw error;
}
