/** Faults of a file or folder that the user can mend. */
const FILE_FAULTS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'it lies on a read-only file system',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'it is a file, not a folder',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full',
};

/** What is wrong with the file of a file system error, with its code; undefined: another kind of error. */
export function fileFault({ code }: NodeJS.ErrnoException): string | undefined {
  const fault = code === undefined ? undefined : FILE_FAULTS[code];
  return fault === undefined ? undefined : `${fault} (${code})`;
}

/** A file system error in words; undefined: it is of another kind. */
export function fileFaultText(error: NodeJS.ErrnoException): string | undefined {
  const fault = fileFault(error);
  // Reading a folder fails without its path.
  const path = error.path ?? (error.code === 'EISDIR' ? 'what was named as a file' : undefined);
  return fault === undefined || path === undefined ? undefined : `Cannot use ${path}: ${fault}`;
}
