"""A publisher and subscriber of other hands: answers each message to <prefix>/ask on its response topic, with its properties.

Arguments: port, prefix. Writes "ready" when it has subscribed.
"""
import sys
import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, prefix = int(sys.argv[1]), sys.argv[2]


def on_message(client, _data, message):
    asked = message.properties
    answer = Properties(PacketTypes.PUBLISH)
    answer.CorrelationData = asked.CorrelationData
    answer.ContentType = asked.ContentType
    answer.UserProperty = asked.UserProperty + [("seen", "%d bytes, QoS %d" % (len(message.payload), message.qos))]
    answer.MessageExpiryInterval = asked.MessageExpiryInterval
    answer.PayloadFormatIndicator = asked.PayloadFormatIndicator
    client.publish(asked.ResponseTopic, message.payload, qos=message.qos, properties=answer)


client = mqtt.Client(client_id="paho-peer", protocol=mqtt.MQTTv5)
client.on_message = on_message
client.on_subscribe = lambda *_: print("ready", flush=True)
client.connect("127.0.0.1", port)
client.subscribe(prefix + "/ask", qos=2)
client.loop_forever()
