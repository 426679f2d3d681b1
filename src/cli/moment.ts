import { isCalendarDate } from '../kernel/calendar.ts';
import { CommandFailure } from './session.ts';
import { text } from './texts.ts';

/** @throws CommandFailure when it is no day, and no moment with its offset */
export function momentOf(written: string): Date {
  const moment = new Date(written);
  const isWritten = /^\d{4}-\d{2}-\d{2}(T.+(Z|[+-]\d{2}:\d{2}))?$/.test(written);
  if (!isWritten || !isCalendarDate(written.slice(0, 10)) || Number.isNaN(moment.getTime()))
    throw new CommandFailure(text('moment.bad', { moment: written }));
  return moment;
}
