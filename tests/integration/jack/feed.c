/*
 * A JACK client that stands for a sound device: it plays frames that carry their number.
 *
 *     feed NAME CHANNELS MODE
 *
 * The ports are NAME:out_1 .. NAME:out_CHANNELS.  MODE is FLOAT_LE, S24_3LE or S16_LE: then the
 * samples are those that rakkr/tone/numbered.py makes for that format, S24_3LE and S16_LE as
 * fractions of full scale.  Or it is "sine": then channel c is a sine of 440 + 50 c Hz at half of
 * full scale.
 *
 * The number of a frame is its time on the server's own clock, extended to 64 bits.  That clock is
 * the device's: it goes on when a cycle was missed, and from one feed to the next.  It stands still
 * while the whole server is stopped.  A port that is read before this client wrote to it has the
 * frames of the cycle before: a number that comes twice is not the recorder's fault either.
 *
 * "ready" is printed when the ports play, and "missed NUMBER FRAMES" for each stretch of the clock
 * for which this client was not asked, or too late: then it is not the recorder that lost them.
 *
 * Ends with 0 on SIGTERM and SIGINT, without a goodbye to the server; with 1 when it was called
 * wrongly; with 3 when the server went away; with 4 when there was none.
 */
#include <inttypes.h>
#include <jack/jack.h>
#include <jack/ringbuffer.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NUMBER_BITS = 48, LOWEST_HERTZ = 440, HERTZ_APART = 50, MOST_MISSED = 4096 };
enum { WRONG_CALL = 1, SERVER_GONE = 3, NO_SERVER = 4, TRIES = 50, TRY_MICROSECONDS = 100000 };

struct missed {
	uint64_t number;
	uint64_t frames;
};

struct feed {
	jack_client_t *client;
	jack_port_t **ports;
	unsigned channels;
	unsigned bits;       /* in a slice of a number; 0: sines */
	unsigned offset;     /* what stands for 0 in a slice: floats count from -1, integers wrap */
	float *sine;         /* a second of 1 Hz */
	unsigned rate;
	uint64_t next;       /* the number of the next frame */
	jack_nframes_t due;  /* its time on the server's clock */
	int begun;
	jack_ringbuffer_t *missed;
};

static atomic_int gone;

static void play_number(const struct feed *feed, unsigned channel, float *out, unsigned frames)
{
	unsigned slices = (NUMBER_BITS + feed->bits - 1) / feed->bits;
	uint64_t ones = (1ull << feed->bits) - 1, half = 1ull << (feed->bits - 1);
	unsigned shift;

	if (slices > feed->channels)
		slices = feed->channels;
	shift = channel % slices * feed->bits;
	for (unsigned frame = 0; frame < frames; frame++) {
		uint64_t number = (feed->next + frame) & ((1ull << NUMBER_BITS) - 1);
		uint64_t slice = ((number >> shift) + feed->offset) & ones;

		out[frame] = ((float)slice - (float)half) / (float)half;
	}
}

static void play_sine(const struct feed *feed, unsigned channel, float *out, unsigned frames)
{
	uint64_t hertz = LOWEST_HERTZ + (uint64_t)HERTZ_APART * channel;

	for (unsigned frame = 0; frame < frames; frame++)
		out[frame] = feed->sine[(feed->next + frame) % feed->rate * hertz % feed->rate];
}

static int process(jack_nframes_t frames, void *argument)
{
	struct feed *feed = argument;
	jack_nframes_t now = jack_last_frame_time(feed->client);
	int32_t late = (int32_t)(now - feed->due);

	if (!feed->begun) {
		feed->begun = 1;
		feed->next = now;
	} else if (late > 0) {
		struct missed missed = { feed->next, (uint64_t)late };

		jack_ringbuffer_write(feed->missed, (const char *)&missed, sizeof missed);
		feed->next += (uint64_t)late;
	} /* else the server thought for a while that it was later; no number is given twice for that */
	for (unsigned channel = 0; channel < feed->channels; channel++) {
		float *out = jack_port_get_buffer(feed->ports[channel], frames);

		if (feed->bits)
			play_number(feed, channel, out, frames);
		else
			play_sine(feed, channel, out, frames);
	}
	feed->next += frames;
	feed->due = now + frames;
	return 0;
}

static void shut_down(void *argument)
{
	(void)argument;
	gone = 1;
}

/* The name may be that of a feed that has just gone, and whose end the server has not yet seen. */
static jack_client_t *open_client(const char *name)
{
	jack_status_t status = 0;
	jack_client_t *client = NULL;

	for (int tries = 0; !client && tries < TRIES; tries++) {
		if (tries)
			usleep(TRY_MICROSECONDS);
		client = jack_client_open(name, JackNoStartServer | JackUseExactName, &status);
		if (!client && !(status & JackNameNotUnique))
			break;
	}
	return client;
}

static int choose(struct feed *feed, const char *mode)
{
	static const struct { const char *name; unsigned bits, offset; } modes[] = {
		{ "FLOAT_LE", 24, 0 }, { "S24_3LE", 24, 1u << 23 }, { "S16_LE", 16, 1u << 15 }, { "sine", 0, 0 },
	};

	for (unsigned each = 0; each < sizeof modes / sizeof *modes; each++) {
		if (strcmp(mode, modes[each].name))
			continue;
		feed->bits = modes[each].bits;
		feed->offset = modes[each].offset;
		return 1;
	}
	return 0;
}

static int prepare(struct feed *feed, const char *name)
{
	feed->client = open_client(name);
	if (!feed->client)
		return NO_SERVER;
	feed->rate = jack_get_sample_rate(feed->client);
	feed->missed = jack_ringbuffer_create(MOST_MISSED * sizeof(struct missed));
	feed->sine = calloc(feed->rate, sizeof *feed->sine);
	feed->ports = calloc(feed->channels, sizeof *feed->ports);
	if (!feed->missed || !feed->sine || !feed->ports)
		return NO_SERVER;
	for (unsigned frame = 0; frame < feed->rate; frame++)
		feed->sine[frame] = (float)(sin(2 * M_PI * frame / feed->rate) / 2);
	for (unsigned channel = 0; channel < feed->channels; channel++) {
		char port[16];

		snprintf(port, sizeof port, "out_%u", channel + 1);
		feed->ports[channel] =
			jack_port_register(feed->client, port, JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, 0);
		if (!feed->ports[channel])
			return NO_SERVER;
	}
	jack_set_process_callback(feed->client, process, feed);
	jack_on_shutdown(feed->client, shut_down, NULL);
	return jack_activate(feed->client) ? NO_SERVER : 0;
}

int main(int count, char **words)
{
	struct timespec tick = { 0, 100000000 };
	struct feed feed = { 0 };
	sigset_t ends;
	int error;

	if (count != 4 || (feed.channels = (unsigned)atoi(words[2])) < 1 || !choose(&feed, words[3])) {
		fprintf(stderr, "usage: %s NAME CHANNELS FLOAT_LE|S24_3LE|S16_LE|sine\n", words[0]);
		return WRONG_CALL;
	}
	error = prepare(&feed, words[1]);
	if (error)
		return error;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	printf("ready\n");
	fflush(stdout);
	while (!gone && sigtimedwait(&ends, NULL, &tick) < 0) {
		struct missed missed;

		while (jack_ringbuffer_read(feed.missed, (char *)&missed, sizeof missed) == sizeof missed)
			printf("missed %" PRIu64 " %" PRIu64 "\n", missed.number, missed.frames);
		fflush(stdout);
	}
	_exit(gone ? SERVER_GONE : 0); /* closing the client would wait for a server that is stopped */
}
