import loipro01 from './types/loipro01.json';
import loipro02 from './types/loipro02.json';
import matmas05 from './types/matmas05.json';
import mbgmcr03 from './types/mbgmcr03.json';
import ppcc2pretticket01 from './types/ppcc2pretticket01.json';

/** A basic type of IDocs: the segments that it has, in their order. */
export interface IdocType {
  /** "MATMAS05" */
  type: string;
  /** "MATMAS" */
  message: string;
  titles?: { 'en-US': string; 'pt-BR': string };
  /** As SAP sees it: `out` comes from SAP. */
  direction: 'in' | 'out';
  segments: readonly Segment[];
}

export interface Segment {
  name: string;
  /** It may come several times. */
  many?: boolean;
  /** Characters by name, in their order. */
  fields: Readonly<Record<string, number>>;
  /** Names by which a day and a time of day, which SAP keeps in two fields, are given as one: "YYYYMMDDHHmmss". */
  moments?: Readonly<Record<string, readonly string[]>>;
  segments?: readonly Segment[];
}

/** Those of a plant's everyday; others are given as data. */
export const IDOC_TYPES = [matmas05, loipro01, loipro02, mbgmcr03, ppcc2pretticket01] as (IdocType & {
  mappings: unknown[];
})[];
