import { makePassword } from '../src/ingest/embedded/passwords.ts';

/** Makes a client's password, keeps its digest in the file, and prints the password once. */
export function runHubPassword(clientId: string, { file }: { readonly file: string }): void {
  const password = makePassword(file, clientId);
  console.log(password);
  console.error(
    `${clientId} may connect with this password and its own name; one made before holds no more. The file ` +
      `${file} has only the digest: write the password into the gateway's mqtt.password now.`,
  );
}
