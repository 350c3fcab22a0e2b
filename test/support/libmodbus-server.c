/*
 * A Modbus server on libmodbus, for the tests: "tcp PORT" or "rtu PATH UNIT". Register n of both tables holds n at first,
 * coil and input n are set where 3 divides n. There are 2000 of each: beyond them it answers exception 2.
 */
#include <errno.h>
#include <modbus.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#define SIZE 2000

static void serve_tcp(modbus_t *context, modbus_mapping_t *mapping)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int listener = modbus_tcp_listen(context, 8);
    int highest = listener;
    fd_set open_sockets;
    FD_ZERO(&open_sockets);
    FD_SET(listener, &open_sockets);
    for (;;) {
        fd_set readable = open_sockets;
        if (select(highest + 1, &readable, NULL, NULL, NULL) == -1) return;
        for (int socket = 0; socket <= highest; socket++) {
            if (!FD_ISSET(socket, &readable)) continue;
            if (socket == listener) {
                int accepted = modbus_tcp_accept(context, &listener);
                if (accepted == -1) continue;
                FD_SET(accepted, &open_sockets);
                if (accepted > highest) highest = accepted;
                continue;
            }
            modbus_set_socket(context, socket);
            int length = modbus_receive(context, query);
            if (length > 0) {
                modbus_reply(context, query, length, mapping);
            } else if (length == -1) {
                close(socket);
                FD_CLR(socket, &open_sockets);
            }
        }
    }
}

static void serve_rtu(modbus_t *context, modbus_mapping_t *mapping)
{
    uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH];
    if (modbus_connect(context) == -1) exit(2);
    for (;;) {
        int length = modbus_receive(context, query);
        if (length > 0) modbus_reply(context, query, length, mapping);
    }
}

int main(int count, char **arguments)
{
    if (count < 3) return 1;
    signal(SIGPIPE, SIG_IGN);
    int is_tcp = strcmp(arguments[1], "tcp") == 0;
    modbus_t *context = is_tcp ? modbus_new_tcp("127.0.0.1", atoi(arguments[2])) : modbus_new_rtu(arguments[2], 115200, 'N', 8, 1);
    modbus_mapping_t *mapping = modbus_mapping_new(SIZE, SIZE, SIZE, SIZE);
    if (context == NULL || mapping == NULL) return 2;
    for (int n = 0; n < SIZE; n++) {
        mapping->tab_registers[n] = mapping->tab_input_registers[n] = n;
        mapping->tab_bits[n] = mapping->tab_input_bits[n] = n % 3 == 0;
    }
    if (is_tcp) {
        serve_tcp(context, mapping);
    } else {
        modbus_set_slave(context, atoi(arguments[3]));
        serve_rtu(context, mapping);
    }
    return 0;
}
