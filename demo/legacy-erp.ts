import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { Plant } from './plant';

const TABLES = {
  MATERIALS:
    'MATNR TEXT PRIMARY KEY, MAKTX TEXT, MTART TEXT, MEINS TEXT, MATKL TEXT, EISBE TEXT, PLIFZ INTEGER, AEDAT TEXT',
  BOM_ITEMS: 'PARENT TEXT, POSNR TEXT, COMPONENT TEXT, QTY TEXT, UOM TEXT, SCRAP TEXT, PRIMARY KEY (PARENT, POSNR)',
  WORK_CENTERS: 'ARBPL TEXT PRIMARY KEY, NAME TEXT, KOSTL TEXT, HOURS TEXT',
  SHIFTS: 'CODE TEXT PRIMARY KEY, NAME TEXT, START_TIME TEXT, END_TIME TEXT',
};

const MATERIAL_KINDS = { finished: 'FERT', semi_finished: 'HALB', raw: 'ROH' };

/** The "legacy ERP": master data in a SQLite file with terse German column names, as old systems have them. */
export function writeLegacyErp(file: string, plant: Plant): void {
  const database = new DatabaseSync(file);
  try {
    database.exec('BEGIN');
    for (const [table, columns] of Object.entries(TABLES)) database.exec(`CREATE TABLE ${table} (${columns})`);
    fill(
      database,
      'MATERIALS',
      plant.materials.map((material, index) => [
        material.code,
        material.description,
        MATERIAL_KINDS[material.kind],
        material.unit,
        material.group,
        material.safetyStock,
        material.leadTimeDays,
        new Date(Date.UTC(2026, 10, 1, 8, index)).toISOString().slice(0, 19).replace('T', ' '),
      ]),
    );
    fill(
      database,
      'BOM_ITEMS',
      plant.bom.map((line) => [
        line.parent,
        line.position,
        line.component,
        line.quantity,
        line.unit,
        line.scrapPercent,
      ]),
    );
    fill(
      database,
      'WORK_CENTERS',
      plant.workCenters.map((center) => [center.code, center.name, center.costCenter, center.capacity]),
    );
    fill(
      database,
      'SHIFTS',
      plant.shifts.map((shift) => [shift.code, shift.name, shift.start, shift.end]),
    );
    database.exec('COMMIT');
  } finally {
    database.close();
  }
}

function fill(database: DatabaseSync, table: string, rows: SQLInputValue[][]): void {
  const places = (rows[0] ?? []).map(() => '?').join(', ');
  const insert = database.prepare(`INSERT INTO ${table} VALUES (${places})`);
  for (const row of rows) insert.run(...row);
}
