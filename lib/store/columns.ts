import { DataTypes, type Model, type ModelAttributeColumnOptions } from 'sequelize';

/** Columns that several tables share, the same in models and in migrations. */

export const id = (): ModelAttributeColumnOptions => ({
  type: DataTypes.INTEGER,
  primaryKey: true,
  autoIncrement: true,
  allowNull: false,
});

export const text = (
  length: number,
  options: Partial<ModelAttributeColumnOptions> = {},
): ModelAttributeColumnOptions => ({
  type: DataTypes.STRING(length),
  allowNull: false,
  ...options,
});

/** Text without a limit: migrations make it LONGTEXT where plain TEXT would end at 64 KiB. */
export const longText = (options: Partial<ModelAttributeColumnOptions> = {}): ModelAttributeColumnOptions => ({
  type: DataTypes.TEXT,
  allowNull: true,
  ...options,
});

export const integer = (options: Partial<ModelAttributeColumnOptions> = {}): ModelAttributeColumnOptions => ({
  type: DataTypes.INTEGER,
  allowNull: false,
  defaultValue: 0,
  ...options,
});

export const flag = (defaultValue: boolean): ModelAttributeColumnOptions => ({
  type: DataTypes.BOOLEAN,
  allowNull: false,
  defaultValue,
});

/** UTC, to the millisecond. */
export const instant = (options: Partial<ModelAttributeColumnOptions> = {}): ModelAttributeColumnOptions => ({
  type: DataTypes.DATE(3),
  allowNull: false,
  ...options,
});

/** Counters and epoch milliseconds: PostgreSQL's driver gives 64-bit integers as text, ours stay below 2^53. */
export const bigInteger = (
  name: string,
  options: Partial<ModelAttributeColumnOptions> = {},
): ModelAttributeColumnOptions => ({
  type: DataTypes.BIGINT,
  allowNull: false,
  defaultValue: 0,
  ...options,
  get(this: Model) {
    const value: unknown = this.getDataValue(name);
    return value === null || value === undefined ? null : Number(value);
  },
});

/** A JSON value kept as text, which is the same in every database. */
export const json = (
  name: string,
  options: Partial<ModelAttributeColumnOptions> = {},
): ModelAttributeColumnOptions => ({
  type: DataTypes.TEXT,
  allowNull: false,
  ...options,
  get(this: Model) {
    const value: unknown = this.getDataValue(name);
    return typeof value === 'string' ? JSON.parse(value) : null;
  },
  set(this: Model, value: unknown) {
    this.setDataValue(name, value === null || value === undefined ? null : JSON.stringify(value));
  },
});

export const optional = { allowNull: true, defaultValue: null } as const;
