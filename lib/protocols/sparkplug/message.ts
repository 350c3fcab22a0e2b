/** A message to publish, or a last will. */
export interface Message {
  topic: string;
  payload: Buffer;
  qos: 0 | 1;
  retain: boolean;
}

export interface TopicFilter {
  filter: string;
  qos: 0 | 1;
}
