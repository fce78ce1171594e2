#!/usr/bin/env node
// Plain JavaScript that an old Node can parse: it must be able to say that it is too old.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `wugan needs Node 24, this is ${process.version}: run it through npm (npm start, npx wugan …) after npm ci, which brings Node 24.`,
  );
  process.exit(1);
}
await import('../cli/main.ts');
