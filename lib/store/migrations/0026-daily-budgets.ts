import { bigInteger, integer, optional } from '../columns';
import { addColumns, type Migration } from './migration';

/** Requests that the processes of a connection have taken of those it may make on a day. */
export const dailyBudgets: Migration = {
  name: '0026-daily-budgets',
  async up(context) {
    await addColumns(context, 'integration_request_limits', {
      // Days since the epoch, in UTC.
      budget_day: integer(optional),
      budget_used: bigInteger('budget_used', optional),
    });
  },
};
