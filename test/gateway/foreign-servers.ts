import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { ServerSerial } from 'modbus-serial';
import { onTestFinished, vi } from 'vitest';
import { requireDebianPackage } from '../debian-packages.ts';
import { freePort } from '../free-port.ts';
import { registerOf } from './faulty-line.ts';

const PACKAGES = '/usr/lib/python3/dist-packages';

/** Starts Debian's pymodbus; its registers are those of `registerOf`, of units 1 to 3. */
async function startPymodbus(mode: 'tcp' | 'rtu-over-tcp' | 'rtu', where: string): Promise<void> {
  await requireDebianPackage('python3-pymodbus', `${PACKAGES}/pymodbus/__init__.py`);
  await requireDebianPackage('python3-serial', `${PACKAGES}/serial/__init__.py`);
  await requireDebianPackage('python3-serial-asyncio', `${PACKAGES}/serial_asyncio/__init__.py`);
  const python = await requireDebianPackage('python3', '/usr/bin/python3');
  const script = new URL('pymodbus_server.py', import.meta.url).pathname;
  const child = spawn(python, [script, mode, where], { stdio: 'ignore' });
  onTestFinished(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
}

async function isListening(port: number): Promise<void> {
  const socket = createConnection({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}

export async function startPymodbusTcp(mode: 'tcp' | 'rtu-over-tcp'): Promise<number> {
  const port = await freePort();
  await startPymodbus(mode, String(port));
  await vi.waitFor(() => isListening(port), { timeout: 30_000, interval: 50 });
  return port;
}

export const startPymodbusSerial = (path: string): Promise<void> => startPymodbus('rtu', path);

/** modbus-serial's serial server. */
export async function startServerSerial(path: string): Promise<void> {
  const read = (address: number, unitId: number): number => registerOf(unitId, address);
  const server = new ServerSerial(
    { getInputRegister: read, getHoldingRegister: read },
    { path, baudRate: 115_200, unitID: 255 },
  );
  server.on('error', () => undefined);
  await once(server, 'initialized');
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
}
