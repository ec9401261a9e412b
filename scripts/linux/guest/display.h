/* The card, its display and its framebuffers, as the scenarios use them. */
#ifndef DISPLAY_H
#define DISPLAY_H

#include "runtime.h"

#define DEVICE_NODE "/dev/dri/card0"
#define SETTLE_MS 20 /* after each ioctl: what the driver does later it does now */
#define EVENT_WAIT_MS 5000
#define UNUSED_BYTE 0x5a000000u
#define CURSOR_SIZE 64

/* ---- the card ---- */

static const char *scenario;
static s32 card;
static u32 crtc_id, connector_id;
static struct drm_mode_modeinfo modes[64], mode;
static u32 mode_count;
static int failures_are_expected; /* an ioctl may fail; its result is printed all the same */

static s32 call_ioctl(u32 request, void *argument, const char *name) {
  s32 result;
  say("BEGIN", name);
  do result = system_call(SYS_IOCTL, (u32)card, request, (u32)argument);
  while (result == -EINTR || result == -EAGAIN);
  put("@@END ");
  put(name);
  put_field("rc", result);
  end_line();
  if (result < 0 && !failures_are_expected) fail(name);
  sleep_ms(SETTLE_MS);
  return result;
}

#define CALL(request, argument) call_ioctl(request, argument, #request)

static const char *device_node = DEVICE_NODE;

static void open_card(void) {
  static char name[32];
  struct drm_version version;
  card = system_call(SYS_OPEN, (u32)device_node, O_RDWR, 0);
  if (card < 0) {
    fail("open the card");
    leave(1);
  }
  memset(&version, 0, sizeof version);
  version.name = name;
  version.name_length = sizeof name - 1;
  CALL(DRM_IOCTL_VERSION, &version);
  put("@@DRIVER ");
  put(name);
  put_space_number(version.major);
  put(".");
  put_number(version.minor);
  put(".");
  put_number(version.patch_level);
  end_line();
}

static void close_fd(s32 fd, const char *name) {
  say("CLOSE", name);
  system_call(SYS_CLOSE, (u32)fd, 0, 0);
  sleep_ms(SETTLE_MS);
}

static void choose_mode(const struct drm_mode_modeinfo *choice) {
  mode = *choice;
  put("@@MODE");
  put_space_number(mode.hdisplay);
  put_space_number(mode.vdisplay);
  put_space_number((s32)mode.vrefresh);
  end_line();
}

/* Reads the connector's modes twice, as libdrm does: once to count and probe, once to have them. */
static const struct drm_mode_modeinfo *read_connector(void) {
  static u32 encoders[8], properties[64];
  static u64 values[64];
  struct drm_mode_get_connector connector;
  u32 i;
  memset(&connector, 0, sizeof connector);
  connector.connector_id = connector_id;
  CALL(DRM_IOCTL_MODE_GETCONNECTOR, &connector);
  memset(&connector, 0, sizeof connector);
  connector.connector_id = connector_id;
  connector.modes = POINTER(modes);
  connector.count_modes = 64;
  connector.encoders = POINTER(encoders);
  connector.count_encoders = 8;
  connector.properties = POINTER(properties);
  connector.property_values = POINTER(values);
  connector.count_properties = 64;
  CALL(DRM_IOCTL_MODE_GETCONNECTOR, &connector);
  mode_count = connector.count_modes < 64 ? connector.count_modes : 64;
  for (i = 0; i < mode_count; i++)
    if (modes[i].type & DRM_MODE_TYPE_PREFERRED) return &modes[i];
  return &modes[0];
}

static void find_display(void) {
  static u32 fbs[8], crtcs[8], connectors[8], encoders[8];
  struct drm_mode_card_res resources;
  memset(&resources, 0, sizeof resources);
  resources.fbs = POINTER(fbs);
  resources.crtcs = POINTER(crtcs);
  resources.connectors = POINTER(connectors);
  resources.encoders = POINTER(encoders);
  resources.count_fbs = resources.count_crtcs = resources.count_connectors = resources.count_encoders = 8;
  CALL(DRM_IOCTL_MODE_GETRESOURCES, &resources);
  crtc_id = crtcs[0];
  connector_id = connectors[0];
  choose_mode(read_connector());
  if (mode_count == 0) {
    fail("the connector has no mode");
    leave(1);
  }
}

/* ---- framebuffers ---- */

struct framebuffer {
  const char *name;
  u32 width, height, handle, pitch, fb_id, size;
  u8 *pixels;
};

static u8 *map_pixels(u64 offset, u32 size) {
  u32 arguments[6];
  s32 address;
  arguments[0] = 0;
  arguments[1] = size;
  arguments[2] = PROT_READ_WRITE;
  arguments[3] = MAP_SHARED;
  arguments[4] = (u32)card;
  arguments[5] = (u32)offset; /* the DRM core keeps its offsets below 4 GiB on a 32-bit machine */
  address = system_call(SYS_MMAP, (u32)arguments, 0, 0);
  return (u32)address > 0xfffff000u ? 0 : (u8 *)address;
}

static void add_framebuffer(struct framebuffer *fb) {
  struct drm_mode_fb_cmd2 command;
  memset(&command, 0, sizeof command);
  command.width = fb->width;
  command.height = fb->height;
  command.pixel_format = DRM_FORMAT_XRGB8888;
  command.handles[0] = fb->handle;
  command.pitches[0] = fb->pitch;
  CALL(DRM_IOCTL_MODE_ADDFB2, &command);
  fb->fb_id = command.fb_id;
}

static void create_dumb(struct framebuffer *fb, const char *name, u32 width, u32 height, int for_scanout) {
  struct drm_mode_create_dumb dumb;
  struct drm_mode_map_dumb map;
  memset(fb, 0, sizeof *fb);
  memset(&dumb, 0, sizeof dumb);
  memset(&map, 0, sizeof map);
  dumb.width = width;
  dumb.height = height;
  dumb.bpp = 32;
  if (CALL(DRM_IOCTL_MODE_CREATE_DUMB, &dumb) < 0) leave(1);
  fb->name = name;
  fb->width = width;
  fb->height = height;
  fb->handle = dumb.handle;
  fb->pitch = dumb.pitch;
  fb->size = (u32)dumb.size;
  put("@@FB ");
  put(name);
  put_field("handle", (s32)fb->handle);
  put_field("pitch", (s32)fb->pitch);
  put_field("size", (s32)fb->size);
  end_line();
  if (for_scanout) add_framebuffer(fb);
  map.handle = fb->handle;
  CALL(DRM_IOCTL_MODE_MAP_DUMB, &map);
  fb->pixels = map_pixels(map.offset, fb->size);
  if (!fb->pixels) {
    fail("mmap of a dumb buffer");
    leave(1);
  }
}

static void destroy_dumb(struct framebuffer *fb) {
  struct drm_mode_destroy_dumb destroy;
  if (fb->fb_id) CALL(DRM_IOCTL_MODE_RMFB, &fb->fb_id);
  if (fb->pixels) system_call(SYS_MUNMAP, (u32)fb->pixels, fb->size, 0);
  destroy.handle = fb->handle;
  CALL(DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
}

static u32 pattern(u32 x, u32 y, u32 seed) {
  u32 place = (x & 255) << 16 | (y & 255) << 8 | (x >> 8 & 15) << 4 | (y >> 8 & 15);
  return place ^ (seed * 0x2f1b6du & 0xffffffu);
}

static void say_draw(const struct framebuffer *fb, u32 x, u32 y, u32 width, u32 height, u32 seed) {
  put("@@DRAW ");
  put(fb->name);
  put_space_number((s32)x);
  put_space_number((s32)y);
  put_space_number((s32)width);
  put_space_number((s32)height);
  put_field("seed", (s32)seed);
  end_line();
}

static void draw(struct framebuffer *fb, u32 x, u32 y, u32 width, u32 height, u32 seed) {
  u32 row, column;
  for (row = y; row < y + height; row++) {
    u32 *to = (u32 *)(fb->pixels + row * fb->pitch);
    for (column = x; column < x + width; column++) to[column] = UNUSED_BYTE | pattern(column, row, seed);
  }
  say_draw(fb, x, y, width, height, seed);
}

static void draw_all(struct framebuffer *fb, u32 seed) { draw(fb, 0, 0, fb->width, fb->height, seed); }

static void draw_cursor(struct framebuffer *fb, u32 seed) {
  u32 x, y;
  for (y = 0; y < fb->height; y++)
    for (x = 0; x < fb->width; x++)
      ((u32 *)(fb->pixels + y * fb->pitch))[x] = x + y < CURSOR_SIZE ? 0xff000000u | pattern(x, y, seed) : 0;
  say_draw(fb, 0, 0, fb->width, fb->height, seed);
}

#define FNV_START 0x811c9dc5u

static u32 fnv1a(u32 hash, u32 byte) { return (hash ^ byte) * 0x01000193u; }

static u32 hash_row(u32 hash, const u32 *pixels, u32 width, int with_alpha) {
  u32 x;
  for (x = 0; x < width; x++) {
    u32 pixel = pixels[x];
    hash = fnv1a(fnv1a(fnv1a(hash, pixel & 255), pixel >> 8 & 255), pixel >> 16 & 255);
    if (with_alpha) hash = fnv1a(hash, pixel >> 24);
  }
  return hash;
}

static u32 hash_of(const struct framebuffer *fb, int with_alpha) {
  u32 hash = FNV_START, row;
  for (row = 0; row < fb->height; row++)
    hash = hash_row(hash, (const u32 *)(fb->pixels + row * fb->pitch), fb->width, with_alpha);
  return hash;
}

static void put_hash(u32 hash) {
  put(" fnv1a=");
  put_unsigned(hash, 16, 8);
}

static void say_pixels(u32 hash, u32 width, u32 height, const char *name) {
  put("@@PIXELS");
  put_hash(hash);
  put_field("width", (s32)width);
  put_field("height", (s32)height);
  end_line();
  say("SHOW", name);
}

/* ---- stages ---- */

static void wait_for_host(void) {
  char byte;
  while (system_call(SYS_READ, 0, (u32)&byte, 1) == 1 && byte != '\n') {
  }
}

static void stage(const char *name, u32 width, u32 height) {
  put("@@STAGE ");
  put(scenario);
  put("/");
  put(name);
  put_space_number((s32)width);
  put_space_number((s32)height);
  end_line();
  wait_for_host();
}

static void show(const char *name, const struct framebuffer *fb) {
  say_pixels(hash_of(fb, 0), fb->width, fb->height, fb->name);
  stage(name, fb->width, fb->height);
}

static void nothing_shown(const char *name) { stage(name, 0, 0); }

/* ---- mode setting, as the scenarios need it ---- */

static void set_crtc(u32 fb_id) {
  struct drm_mode_crtc crtc;
  memset(&crtc, 0, sizeof crtc);
  crtc.crtc_id = crtc_id;
  crtc.fb_id = fb_id;
  if (fb_id) {
    crtc.connectors = POINTER(&connector_id);
    crtc.count_connectors = 1;
    crtc.mode = mode;
    crtc.mode_valid = 1;
  }
  CALL(DRM_IOCTL_MODE_SETCRTC, &crtc);
}

static void dirty_fb(u32 fb_id, u32 count, const struct drm_clip_rect *clips) {
  struct drm_mode_fb_dirty_cmd command;
  memset(&command, 0, sizeof command);
  command.fb_id = fb_id;
  command.num_clips = count;
  command.clips = POINTER(clips);
  CALL(DRM_IOCTL_MODE_DIRTYFB, &command);
}

static void read_flip_event(u64 user_data) {
  static u8 buffer[256];
  const struct drm_event_vblank *event = (const struct drm_event_vblank *)buffer;
  struct pollfd poll = {card, POLLIN, 0};
  s32 count = system_call(SYS_POLL, (u32)&poll, 1, EVENT_WAIT_MS);
  if (count > 0) count = system_call(SYS_READ, (u32)card, (u32)buffer, sizeof buffer);
  if (count < (s32)sizeof *event) {
    fail("no page flip event");
    return;
  }
  put("@@EVENT");
  put_field("type", (s32)event->type);
  put_field("length", (s32)event->length);
  put_field("sequence", (s32)event->sequence);
  end_line();
  if (event->type != DRM_EVENT_FLIP_COMPLETE || event->user_data != user_data || event->crtc_id != crtc_id)
    fail("the page flip event is not the one asked for");
}

static void page_flip(u32 fb_id, int with_event) {
  static u32 count;
  struct drm_mode_crtc_page_flip flip;
  memset(&flip, 0, sizeof flip);
  flip.crtc_id = crtc_id;
  flip.fb_id = fb_id;
  flip.flags = with_event ? DRM_MODE_PAGE_FLIP_EVENT : 0;
  flip.user_data = 0x1234 + count++;
  if (CALL(DRM_IOCTL_MODE_PAGE_FLIP, &flip) == 0 && with_event) read_flip_event(flip.user_data);
}

#endif
