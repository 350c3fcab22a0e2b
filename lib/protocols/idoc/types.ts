import bommat from './types/bommat.json';
import loiplo from './types/loiplo.json';
import loipro from './types/loipro.json';
import loirou from './types/loirou.json';
import loiwcs from './types/loiwcs.json';
import matmas from './types/matmas.json';
import mbgmcr from './types/mbgmcr.json';
import ppcc2pretticket from './types/ppcc2pretticket.json';
import wmmbid from './types/wmmbid.json';

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

/** Those of a plant's everyday, in the versions that systems use; others are given as data. */
export const IDOC_TYPES = [
  ...inVersions(matmas, 'MATMAS03', 'MATMAS05'),
  ...inVersions(bommat, 'BOMMAT03', 'BOMMAT04'),
  ...inVersions(loirou, 'LOIROU03', 'LOIROU04'),
  ...inVersions(loiwcs, 'LOIWCS02', 'LOIWCS03'),
  ...inVersions(loipro, 'LOIPRO01', 'LOIPRO02', 'LOIPRO03', 'LOIPRO04', 'LOIPRO05'),
  ...inVersions(loiplo, 'LOIPLO01', 'LOIPLO02'),
  ...inVersions(wmmbid, 'WMMBID01', 'WMMBID02'),
  ...inVersions(mbgmcr, 'MBGMCR03', 'MBGMCR04'),
  ...inVersions(ppcc2pretticket, 'PPCC2PRETTICKET01', 'PPCC2PRETTICKET02'),
] as (IdocType & { mappings: unknown[] })[];

/** A later version has more segments and fields, which are read by their names as well. */
function inVersions<Type>(type: Type, ...names: readonly string[]): Type[] {
  return names.map((name) => ({ ...type, type: name }));
}
