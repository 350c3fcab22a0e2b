/** The field that says of which company a record is. */
export const COMPANY = 'dataAreaId';
