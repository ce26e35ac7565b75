/*
 * An ALSA capture device in user space: paced like hardware, and every frame carries its number.
 *
 * The samples are coded as rakkr/tone/numbered.py describes.  The number is the position of the
 * frame on the device's own clock, which goes on through an overrun: what is missing can be counted.
 * That clock begins with the first start, or with "epoch", a second of the monotonic clock; then it
 * goes on from one program to the next, as a sound card's does.
 *
 * In its directory, the file "overrun" makes one overrun, "gone" takes the device away, and "busy"
 * lets nobody open it.  Who was refused is noted in "refused": the number of that moment's frame.
 */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { NUMBER_BITS = 48, PATH_BYTES = 4096 };

struct device {
	snd_pcm_ioplug_t io;
	char directory[PATH_BYTES - 16];
	int64_t born;     /* nanoseconds on the monotonic clock at number 0; 0 before the first start */
	int64_t started;  /* the same for this start; 0 while it does not run */
	uint64_t first;   /* number of the first frame of this start */
	uint64_t taken;   /* frames that were read since this start */
};

static int64_t nanoseconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static uint64_t frames_in(int64_t duration, unsigned rate)
{
	return (uint64_t)((double)duration * rate / 1e9);
}

static int told(const struct device *device, const char *name, int once)
{
	char path[PATH_BYTES];
	int found;

	snprintf(path, sizeof path, "%s/%s", device->directory, name);
	found = access(path, F_OK) == 0;
	if (found && once)
		unlink(path);
	return found;
}

static int start(snd_pcm_ioplug_t *io)
{
	struct device *device = io->private_data;
	int64_t period = (int64_t)io->period_size * 1000000000 / io->rate;
	struct timespec step = { period / 1000000000, period % 1000000000 };
	struct itimerspec timer = { step, step };

	device->started = nanoseconds();
	if (!device->born)
		device->born = device->started;
	device->first = frames_in(device->started - device->born, io->rate);
	device->taken = 0;
	return timerfd_settime(io->poll_fd, 0, &timer, NULL) ? -errno : 0;
}

static int stop(snd_pcm_ioplug_t *io)
{
	struct device *device = io->private_data;
	struct itimerspec never = { { 0, 0 }, { 0, 0 } };

	device->started = 0;
	return timerfd_settime(io->poll_fd, 0, &never, NULL) ? -errno : 0;
}

static snd_pcm_sframes_t pointer(snd_pcm_ioplug_t *io)
{
	struct device *device = io->private_data;
	uint64_t produced, ticks;

	if (!device->started)
		return 0;
	if (read(io->poll_fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN)
		return -errno;
	produced = frames_in(nanoseconds() - device->started, io->rate);
	if (told(device, "gone", 0)) /* whoever waits is woken, and learns it from transfer() */
		produced = device->taken + io->buffer_size - 1;
	else if (told(device, "overrun", 1) || produced - device->taken > io->buffer_size)
		return -EPIPE;
	return produced % io->buffer_size;
}

static snd_pcm_sframes_t transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
				  snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	struct device *device = io->private_data;
	unsigned bits = snd_pcm_format_width(io->format);
	unsigned bytes = snd_pcm_format_physical_width(io->format) / 8;
	unsigned slices = (NUMBER_BITS + bits - 1) / bits;
	uint64_t mask = (1ull << NUMBER_BITS) - 1;

	if (told(device, "gone", 0)) {
		snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
		return -ENODEV;
	}
	if (slices > io->channels)
		slices = io->channels;
	for (unsigned channel = 0; channel < io->channels; channel++) {
		const snd_pcm_channel_area_t *area = &areas[channel];
		unsigned char *sample = (unsigned char *)area->addr + (area->first + area->step * offset) / 8;

		for (uint64_t frame = 0; frame < size; frame++, sample += area->step / 8) {
			uint64_t number = (device->first + device->taken + frame) & mask;
			uint64_t slice = number >> (channel % slices * bits) & ((1ull << bits) - 1);

			memcpy(sample, &slice, bytes); /* little-endian machines only */
		}
	}
	device->taken += size;
	return size;
}

static int close_device(snd_pcm_ioplug_t *io)
{
	close(io->poll_fd);
	free(io->private_data);
	return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
	.start = start, .stop = stop, .pointer = pointer, .transfer = transfer, .close = close_device,
};

/* Says why the device cannot be opened now, and notes who tried; 0 if it can. */
static int refusal(const struct device *device, long rate)
{
	int error = told(device, "gone", 0) ? -ENODEV : told(device, "busy", 0) ? -EBUSY : 0;
	char path[PATH_BYTES];
	FILE *notes;

	if (!error || !device->born)
		return error;
	snprintf(path, sizeof path, "%s/refused", device->directory);
	notes = fopen(path, "a");
	if (notes) {
		fprintf(notes, "%" PRIu64 "\n", frames_in(nanoseconds() - device->born, (unsigned)rate));
		fclose(notes);
	}
	return error;
}

static int constrain(snd_pcm_ioplug_t *io, unsigned channels, unsigned rate)
{
	static const unsigned access[] = { SND_PCM_ACCESS_RW_INTERLEAVED };
	static const unsigned formats[] = {
		SND_PCM_FORMAT_S16_LE, SND_PCM_FORMAT_S24_LE, SND_PCM_FORMAT_S24_3LE, SND_PCM_FORMAT_S32_LE,
	};
	int error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 1, access);

	if (error >= 0)
		error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 4, formats);
	if (error >= 0)
		error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, channels, channels);
	if (error >= 0)
		error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, rate, rate);
	if (error >= 0)
		error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, 4 << 20);
	if (error >= 0)
		error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 64);
	return error;
}

SND_PCM_PLUGIN_DEFINE_FUNC(rakkr_numbered)
{
	struct device *device;
	snd_config_t *node;
	const char *directory;
	long channels, rate, epoch = 0;
	int error;

	if (stream != SND_PCM_STREAM_CAPTURE)
		return -EINVAL;
	if (snd_config_search(conf, "directory", &node) < 0 || snd_config_get_string(node, &directory) < 0 ||
	    snd_config_search(conf, "channels", &node) < 0 || snd_config_get_integer(node, &channels) < 0 ||
	    snd_config_search(conf, "rate", &node) < 0 || snd_config_get_integer(node, &rate) < 0)
		return -EINVAL;
	if (snd_config_search(conf, "epoch", &node) >= 0 && snd_config_get_integer(node, &epoch) < 0)
		return -EINVAL;
	device = calloc(1, sizeof *device);
	if (!device)
		return -ENOMEM;
	snprintf(device->directory, sizeof device->directory, "%s", directory);
	device->born = (int64_t)epoch * 1000000000;
	error = refusal(device, rate);
	if (error) {
		free(device);
		return error;
	}
	device->io.version = SND_PCM_IOPLUG_VERSION;
	device->io.name = "Numbered frames";
	device->io.callback = &callbacks;
	device->io.private_data = device;
	device->io.poll_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	device->io.poll_events = POLLIN;
	error = snd_pcm_ioplug_create(&device->io, name, stream, mode);
	if (error < 0) {
		close(device->io.poll_fd);
		free(device);
		return error;
	}
	error = constrain(&device->io, channels, rate);
	if (error < 0) {
		snd_pcm_ioplug_delete(&device->io);
		return error;
	}
	*pcmp = device->io.pcm;
	return 0;
}
SND_PCM_PLUGIN_SYMBOL(rakkr_numbered);
