/** Reads the machine's network addresses: a hint about connectivity that every system gives. */
import { networkInterfaces } from 'node:os';

/** Changes when an interface or an address that is not loopback comes or goes. Empty where the system does not tell. */
export function networkFingerprint(): string {
  try {
    const addresses = Object.entries(networkInterfaces()).flatMap(([name, found]) =>
      (found ?? []).filter(({ internal }) => !internal).map(({ address }) => `${name} ${address}`),
    );
    return addresses.sort().join('\n');
  } catch {
    return '';
  }
}
