import nodeModule from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '../qemu/cache-folder.mjs';

/**
 * Keeps compiled code from one command to the next: a quarter of what a short command takes is compiling. In the user's
 * own folder, because Node's default is a name in /tmp that somebody else could have filled with code of theirs. Nothing
 * depends on it: a folder that cannot be written is no error, and Node before 22.1 has none.
 */
export function keepCompiledCode(env: NodeJS.ProcessEnv): void {
  env.NODE_COMPILE_CACHE ??= join(cacheFolder(env), 'compiled'); // the threads of a vault look here
  nodeModule.enableCompileCache?.(env.NODE_COMPILE_CACHE);
}
