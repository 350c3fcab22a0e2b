/** What the plant service says of itself. Drafts of its entities come from here: `materials` is for you to take over. */
export const DESCRIPTION = `openapi: 3.1.0
info:
  title: Plant service
  version: '1'
security:
  - token: []
paths:
  /orders:
    get:
      summary: Orders, in the order of their numbers
      parameters: &pages
        - {name: page, in: query, schema: {type: integer, minimum: 1, default: 1}}
        - {name: size, in: query, schema: {type: integer, minimum: 1, maximum: 25, default: 25}}
      responses:
        '200': {description: A page, content: {application/json: {schema: {$ref: '#/components/schemas/Orders'}}}}
  /materials:
    get:
      summary: What is produced
      parameters: *pages
      responses:
        '200': {description: A page, content: {application/json: {schema: {$ref: '#/components/schemas/Materials'}}}}
  /confirmations:
    get:
      summary: What was confirmed
      parameters:
        - {name: external_id, in: query, schema: {type: string}}
      responses:
        '200': {description: All, content: {application/json: {schema: {$ref: '#/components/schemas/Confirmations'}}}}
    post:
      summary: Takes a confirmation, as often as it is sent
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Confirmation'}}}}
      responses:
        '201': {description: Taken, content: {application/json: {schema: {$ref: '#/components/schemas/Taken'}}}}
components:
  securitySchemes:
    token: {type: http, scheme: bearer}
  schemas:
    Page: {type: object, properties: {page: {type: integer}, total: {type: integer}}}
    Orders:
      allOf:
        - $ref: '#/components/schemas/Page'
        - {properties: {items: {type: array, items: {$ref: '#/components/schemas/Order'}}}}
    Materials:
      allOf:
        - $ref: '#/components/schemas/Page'
        - {properties: {items: {type: array, items: {$ref: '#/components/schemas/Material'}}}}
    Confirmations: {type: object, properties: {items: {type: array, items: {$ref: '#/components/schemas/Confirmation'}}}}
    Order:
      type: object
      properties:
        number: {type: string}
        material: {$ref: '#/components/schemas/Material'}
        quantity: {type: number}
        unit: {type: string}
        start: {type: string, format: date-time}
        end: {type: string, format: date-time}
        status: {type: string, enum: [open, released, partially_confirmed, completed]}
        work_center: {type: string}
        priority: {type: string}
    Material: {type: object, properties: {code: {type: string}, description: {type: string}}}
    Confirmation:
      type: object
      required: [external_id]
      properties:
        external_id: {type: string}
        order: {type: string}
        operation: {type: string}
        yield: {type: number}
        scrap: {type: number}
        ended_at: {type: string, format: date-time}
    Taken: {type: object, properties: {id: {type: integer}}}
`;
