import { GetCallerIdentity$ } from '@aws-sdk/client-sts';
import { CloudError } from '../cloud-error.ts';
import { passGate } from '../wire/gate.ts';
import { encodeStsAnswer } from '../wire/query-codec.ts';
import { queryFields, type WireService } from '../wire/request.ts';
import { escapeXml } from '../wire/xml-text.ts';

const WORDS = { denied: { code: 'AccessDenied', httpStatus: 403 }, throttled: { code: 'Throttling', httpStatus: 400 } };
const XML = { 'content-type': 'text/xml' };

/** STS's Query protocol, for the one question that tools ask it: who am I? */
export const stsService: WireService = {
  async answer(cloud, request) {
    const { accessKeyId, requestId } = request;
    const action = queryFields(request).find(([name]) => name === 'Action')?.[1] ?? '';
    if (action !== 'GetCallerIdentity')
      throw new CloudError('InvalidAction', `The action ${action} is not implemented by the local cloud`);
    passGate(cloud, { service: 'sts', action, accessKeyId, input: undefined }, WORDS);
    cloud.calls.record({ accessKeyId, service: 'sts', action, dryRun: false }, []);
    const { accountId, keys } = cloud.settings;
    const name = keys.find((key) => key.accessKeyId === accessKeyId)?.name ?? '';
    const identity = { Account: accountId, UserId: accessKeyId, Arn: `arn:aws:iam::${accountId}:user/${name}` };
    return { status: 200, headers: XML, body: encodeStsAnswer(action, GetCallerIdentity$[5], identity, requestId) };
  },

  refuse({ code: given, message, httpStatus }, requestId) {
    // A signature that is too old has no name of its own here.
    const code = given === 'RequestExpired' ? 'SignatureDoesNotMatch' : given;
    const error = `<Error><Type>Sender</Type><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error>`;
    return {
      status: httpStatus,
      headers: XML,
      body: `<ErrorResponse>${error}<RequestId>${requestId}</RequestId></ErrorResponse>`,
    };
  },
};
