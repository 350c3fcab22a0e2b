export type FlowNode = Record<string, unknown> & { id: string; type: string };

export const inject = (id: string, z: string, name: string, y: number, next: string): FlowNode => ({
  id,
  type: 'inject',
  z,
  name,
  props: [{ p: 'payload' }],
  repeat: '',
  once: false,
  topic: '',
  payload: '',
  payloadType: 'date',
  x: 170,
  y,
  wires: [[next]],
});

export const debug = (id: string, z: string, name: string, x: number, y: number, complete: string): FlowNode => ({
  id,
  type: 'debug',
  z,
  name,
  active: true,
  tosidebar: true,
  console: false,
  tostatus: false,
  complete,
  targetType: 'msg',
  x,
  y,
  wires: [],
});
