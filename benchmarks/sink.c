/* A sink that costs little, so that what is measured is the client: SMTP with PIPELINING and
 * 8BITMIME, one thread, epoll. It looks for the final dot and at the first letters of commands,
 * and at nothing else.
 *
 * Usage: sink [-d MILLISECONDS] PORT
 *
 * With -d each reply leaves so long after what it answers came: a round trip of that length. PORT 0
 * takes a free one. It prints the port when it listens, and on SIGTERM how many messages it took.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 1 << 17, ANSWER = 4096, PEERS = 1024, EVENTS = 64 };

struct peer {
    int socket;
    unsigned life;      /* tells a delayed reply to one that has left from one to its successor */
    int in_content;
    int leaving;
    size_t held;        /* octets in `room` that are not understood yet */
    size_t said;        /* octets in `answer` */
    char room[ROOM];
    char answer[ANSWER];
};

struct late {           /* an answer on its way: first in, first out, as all take as long */
    struct late *next;
    struct peer *to;
    unsigned life;
    double due;
    int last;
    size_t length;
    char text[];
};

static struct peer *peers[PEERS];
static struct late *first, **last = &first;
static double delay;
static unsigned long messages;
static volatile sig_atomic_t ended;

static void end(int number) { (void)number; ended = 1; }

static void must(int holds, const char *what) {
    if (holds) return;
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static void leave(struct peer *one) {
    close(one->socket);
    one->socket = -1;
    one->life++;
}

/* Replies are short: a peer that does not read them is let go. */
static void write_to(struct peer *one, const char *text, size_t length, int closing) {
    if (send(one->socket, text, length, MSG_NOSIGNAL) != (ssize_t)length || closing) leave(one);
}

static void say(struct peer *one, const char *text) {
    size_t length = strlen(text);
    if (one->said + length > ANSWER) { one->leaving = 1; return; }
    memcpy(one->answer + one->said, text, length);
    one->said += length;
}

static void flush(struct peer *one) {
    if (!one->said && !one->leaving) return;
    if (delay == 0) {
        write_to(one, one->answer, one->said, one->leaving);
    } else {
        struct late *reply = malloc(sizeof *reply + one->said);
        must(reply != NULL, "malloc");
        *reply = (struct late){NULL, one, one->life, now() + delay, one->leaving, one->said};
        memcpy(reply->text, one->answer, one->said);
        *last = reply;
        last = &reply->next;
    }
    one->said = 0;
}

static int deliver_late(void) {     /* milliseconds until the next reply; -1: none waits */
    while (first) {
        double wait = first->due - now();
        if (wait > 0) return (int)(wait * 1000) + 1;
        struct late *reply = first;
        first = reply->next;
        if (!first) last = &first;
        if (reply->life == reply->to->life) write_to(reply->to, reply->text, reply->length, reply->last);
        free(reply);
    }
    return -1;
}

static void command(struct peer *one, const char *line) {
    if (!strncasecmp(line, "EHLO", 4))
        say(one, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES\r\n");
    else if (!strncasecmp(line, "DATA", 4)) {
        say(one, "354 go on\r\n");
        one->in_content = 1;
    } else if (!strncasecmp(line, "QUIT", 4)) {
        say(one, "221 2.0.0 bye\r\n");
        one->leaving = 1;
    } else
        say(one, "250 2.0.0 ok\r\n");
}

/* Understand what has come; what is left over stays for the next time. */
static void digest(struct peer *one) {
    char *at = one->room, *stop = one->room + one->held;
    while (at < stop && !one->leaving) {
        if (one->in_content) {
            char *dot = memmem(at, stop - at, "\r\n.\r\n", 5);
            if (!dot) {
                if (stop - at > 4) at = stop - 4;
                break;
            }
            at = dot + 5;
            one->in_content = 0;
            messages++;
            say(one, "250 2.0.0 taken\r\n");
        } else {
            char *line = memchr(at, '\n', stop - at);
            if (!line) break;
            command(one, at);
            at = line + 1;
        }
    }
    one->held = stop - at;
    memmove(one->room, at, one->held);
}

static void take_in(struct peer *one) {
    ssize_t got = recv(one->socket, one->room + one->held, ROOM - one->held, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0 || (one->held + got == ROOM && !one->in_content)) { leave(one); return; }
    one->held += got;
    digest(one);
    flush(one);
}

static void welcome(int listener, int poll) {
    int socket;
    while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        int at = 0, on = 1;
        while (at < PEERS && peers[at] && peers[at]->socket >= 0) at++;
        if (at == PEERS) { close(socket); continue; }
        if (!peers[at]) must((peers[at] = calloc(1, sizeof *peers[at])) != NULL, "calloc");
        struct peer *one = peers[at];
        one->socket = socket;
        one->in_content = one->leaving = 0;
        one->held = one->said = 0;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {EPOLLIN, {.ptr = one}};
        must(!epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event), "epoll_ctl");
        say(one, "220 sink ESMTP\r\n");
        flush(one);
    }
}

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in here = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
    socklen_t length = sizeof here;
    must(listener >= 0, "socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    must(!bind(listener, (struct sockaddr *)&here, sizeof here), "bind");
    must(!listen(listener, PEERS), "listen");
    must(!getsockname(listener, (struct sockaddr *)&here, &length), "getsockname");
    printf("%d\n", ntohs(here.sin_port));
    fflush(stdout);
    return listener;
}

int main(int count, char **words) {
    int option;
    while ((option = getopt(count, words, "d:")) == 'd') delay = atof(optarg) / 1000;
    if (option != -1 || optind != count - 1) {
        fprintf(stderr, "usage: sink [-d MILLISECONDS] PORT\n");
        return 2;
    }
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    int listener = listen_on(atoi(words[optind])), poll = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.ptr = NULL}}, events[EVENTS];
    must(!epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
    while (!ended) {
        int found = epoll_wait(poll, events, EVENTS, deliver_late());
        for (int at = 0; at < found; at++) {
            struct peer *one = events[at].data.ptr;
            if (!one) welcome(listener, poll);
            else if (one->socket >= 0) take_in(one);
        }
    }
    printf("%lu\n", messages);
    return 0;
}
