import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { ApiDeps } from './deps.ts';
import { ApiError } from './errors.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Lets a request through that changes something only with the operator's token (RFC 6750). Throws
 * `WRITES_OFF` when the hub has none.
 */
export const requireOperator =
  ({ operatorToken }: Pick<ApiDeps, 'operatorToken'>) =>
  async (request: FastifyRequest): Promise<void> => {
    if (operatorToken === null) throw new ApiError('WRITES_OFF', 'This hub takes no changes');
    const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ');
    const isRight = timingSafeEqual(digest(token), digest(operatorToken));
    if (scheme?.toLowerCase() !== 'bearer' || !isRight) {
      throw new ApiError('UNAUTHORIZED', "The request lacks the operator's token");
    }
  };
