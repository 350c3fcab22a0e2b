import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { SqlDatabase } from '../../../protocols/sql/database';
import type { Author } from './sender';
import type { EbsSettings } from './settings';

/** Numbers of the user in whose name rows are written, and of the responsibility. @throws config PCP_EBS_USER, PCP_EBS_RESPONSIBILITY */
export async function readAuthor(
  database: Pick<SqlDatabase, 'query'>,
  { username, responsibility }: Pick<EbsSettings, 'username' | 'responsibility'>,
): Promise<Author> {
  const users = 'SELECT USER_ID AS "USER_ID" FROM FND_USER WHERE USER_NAME = ?';
  const [user] = await database.query(users, [username.toUpperCase()]);
  if (user === undefined) {
    throw new IntegrationError('config', 'PCP_EBS_USER', phrase`E-Business Suite has no user "${username}".`, {
      path: '/config/username',
      hint: 'Fill in the user in whose name rows are written (FND_USER.USER_NAME).',
    });
  }
  const userId = String(user.USER_ID);
  const name = username.toUpperCase();
  if (responsibility === undefined) return { userId, name };
  const { key, application } = responsibility;
  const [found] = await database.query(
    `SELECT r.RESPONSIBILITY_ID AS "ID", r.APPLICATION_ID AS "APPLICATION_ID" FROM FND_RESPONSIBILITY r
     JOIN FND_APPLICATION a ON a.APPLICATION_ID = r.APPLICATION_ID
     WHERE r.RESPONSIBILITY_KEY = ? AND a.APPLICATION_SHORT_NAME = ?`,
    [key, application],
  );
  if (found !== undefined) {
    return { userId, name, responsibility: { id: String(found.ID), applicationId: String(found.APPLICATION_ID) } };
  }
  const message = phrase`E-Business Suite has no responsibility "${key}" of the application "${application}".`;
  throw new IntegrationError('config', 'PCP_EBS_RESPONSIBILITY', message, {
    path: '/config/responsibility',
    hint: 'Take its key and the short name of its application, as the form of responsibilities shows them.',
  });
}
