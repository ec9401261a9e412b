/*
 * What the guest does while a host watches its virtio-gpu device: `scenarios NAME`.
 *
 * i386, no C library: gcc -m32 -O1 -ffreestanding -nostdlib -static (the whole command is in compile-guest.ts).
 *
 * It talks to the host in lines on its standard output. Each begins with @@ and is written at once, and the next
 * step is not taken before the serial port has sent it: a line's place among the device's commands is exact.
 *
 *   @@DRIVER virtio_gpu 0.1.0             the driver behind the card
 *   @@MODE 1280 800 75                    width, height and rate of the mode that will be set
 *   @@BEGIN DRM_IOCTL_MODE_SETCRTC        an ioctl starts
 *   @@END DRM_IOCTL_MODE_SETCRTC rc=0     … and has returned (a negative number is -errno)
 *   @@CLOSE NAME                          a file descriptor is about to be closed
 *   @@FB a handle=1 pitch=5120 size=4096000
 *   @@DRAW a 16 32 64 64 seed=2           the pattern below was drawn: framebuffer, x, y, width, height
 *   @@CURSOR x=… y=… hot_x=… hot_y=…      where the cursor is now; `@@CURSOR off`
 *   @@EVENT type=2 length=32 sequence=0   a page flip event was read
 *   @@UEVENT hotplug                      the kernel announced a change of the connector
 *   @@PARAM 3 rc=0 value=1                VIRTGPU_GETPARAM
 *   @@WANT resize                         the host is asked to change the display's size at the coming stage
 *   @@PIXELS fnv1a=1234abcd width= height=   the pixels that are meant to be on screen now
 *   @@SHOW a                              … and the framebuffer they are in (`-`: not one of ours)
 *   @@STAGE dirty/two-clips 1280 800      now look; goes on when a newline arrives on standard input
 *   @@FAIL what                           something did not go as it should; the exit code is then 1
 *
 * The pattern. Pixel (x, y) of a framebuffer drawn with a seed is, as 0xRRGGBB,
 *
 *   ((x & 255) << 16 | (y & 255) << 8 | ((x >> 8) & 15) << 4 | ((y >> 8) & 15)) ^ ((seed * 0x2f1b6d) & 0xffffff)
 *
 * Up to 4096 × 4096 every pixel is different, so that nothing can be displaced unnoticed, and two seeds differ in
 * every pixel. The byte that XRGB8888 does not use is 0x5a: whoever takes it for alpha shows something else.
 * A cursor image (@@DRAW cursor) is 0xff000000 | pattern where x + y < 64, and 0 elsewhere.
 *
 * The hash is 32-bit FNV-1a over the bytes blue, green, red of every visible pixel, row by row (for a cursor: blue,
 * green, red, alpha).
 */
#include "display.h"

#define HOTPLUG_WAIT_MS 20000
#define MODES_SHOWN 3
#define BOOT_LOG "/boot.log" /* written by /init */
#define BOOT_LOG_LINES 28
#define FLIPS_BETWEEN_WORDS 100

/* Of the scenario flips, from the command line. */
static u32 flip_count = 1000;

static u32 number_of(const char *text) {
  u32 value = 0;
  while (*text >= '0' && *text <= '9') value = 10 * value + (u32)(*text++ - '0');
  return value;
}

/*
 * The preferred mode, then up to two smaller ones of other sizes. The last one is left on when the file is closed, as
 * modetest does: who comes next changes the mode of a display that is on.
 */
static void run_mode_set(void) {
  static struct drm_mode_modeinfo chosen[MODES_SHOWN];
  struct framebuffer fb;
  u32 count = 1, i, k;
  find_display();
  chosen[0] = mode;
  for (i = 0; i < mode_count && count < MODES_SHOWN; i++) {
    if (modes[i].hdisplay > mode.hdisplay || modes[i].vdisplay > mode.vdisplay) continue;
    for (k = 0; k < count; k++)
      if (modes[i].hdisplay == chosen[k].hdisplay && modes[i].vdisplay == chosen[k].vdisplay) break;
    if (k == count) chosen[count++] = modes[i];
  }
  for (i = 0; i < count; i++) {
    if (i > 0) choose_mode(&chosen[i]);
    create_dumb(&fb, "a", mode.hdisplay, mode.vdisplay, 1);
    draw_all(&fb, 1 + i);
    set_crtc(fb.fb_id);
    show(i == 0 ? "preferred" : mode.name, &fb);
    if (i == count - 1) break;
    set_crtc(0);
    destroy_dumb(&fb);
  }
}

static void run_dirty(void) {
  static const struct drm_clip_rect one = {16, 32, 80, 96};
  static const struct drm_clip_rect two[2] = {{10, 10, 20, 20}, {100, 200, 300, 260}};
  struct drm_clip_rect last;
  struct framebuffer fb;
  find_display();
  create_dumb(&fb, "a", mode.hdisplay, mode.vdisplay, 1);
  draw_all(&fb, 1);
  set_crtc(fb.fb_id);
  show("set", &fb);
  draw(&fb, 16, 32, 64, 64, 2);
  dirty_fb(fb.fb_id, 1, &one);
  show("one-clip", &fb);
  draw(&fb, 10, 10, 10, 10, 3);
  draw(&fb, 100, 200, 200, 60, 4);
  dirty_fb(fb.fb_id, 2, two);
  show("two-clips", &fb);
  draw_all(&fb, 5);
  dirty_fb(fb.fb_id, 0, 0);
  show("no-clips", &fb);
  draw(&fb, fb.width - 1, fb.height - 1, 1, 1, 6);
  last.x1 = (u16)(fb.width - 1);
  last.y1 = (u16)(fb.height - 1);
  last.x2 = (u16)fb.width;
  last.y2 = (u16)fb.height;
  dirty_fb(fb.fb_id, 1, &last);
  show("last-pixel", &fb);
  set_crtc(0);
  nothing_shown("off");
  destroy_dumb(&fb);
}

static void run_flip(void) {
  struct framebuffer a, b;
  find_display();
  create_dumb(&a, "a", mode.hdisplay, mode.vdisplay, 1);
  create_dumb(&b, "b", mode.hdisplay, mode.vdisplay, 1);
  draw_all(&a, 7);
  draw_all(&b, 8);
  set_crtc(a.fb_id);
  show("set", &a);
  page_flip(b.fb_id, 1);
  show("flip-1", &b);
  page_flip(a.fb_id, 1);
  show("flip-2", &a);
  page_flip(b.fb_id, 0);
  show("flip-3", &b);
  page_flip(a.fb_id, 1);
  show("flip-4", &a);
  draw(&a, 40, 50, 60, 70, 9);
  dirty_fb(a.fb_id, 0, 0);
  show("dirty", &a);
  set_crtc(0);
  destroy_dumb(&b);
  destroy_dumb(&a);
}

/*
 * Flips between two framebuffers as fast as the device lets it, with an event each, and says how far it is now and
 * then. Quiet besides: the serial console would set the pace.
 */
static void run_flips(void) {
  static u8 event[256];
  struct framebuffer fbs[2];
  struct pollfd poll = {0, POLLIN, 0};
  u32 i;
  find_display();
  poll.fd = card;
  create_dumb(&fbs[0], "a", mode.hdisplay, mode.vdisplay, 1);
  create_dumb(&fbs[1], "b", mode.hdisplay, mode.vdisplay, 1);
  draw_all(&fbs[0], 26);
  draw_all(&fbs[1], 27);
  set_crtc(fbs[0].fb_id);
  for (i = 1; i <= flip_count; i++) {
    struct drm_mode_crtc_page_flip flip;
    memset(&flip, 0, sizeof flip);
    flip.crtc_id = crtc_id;
    flip.fb_id = fbs[i & 1].fb_id;
    flip.flags = DRM_MODE_PAGE_FLIP_EVENT;
    if (system_call(SYS_IOCTL, (u32)card, DRM_IOCTL_MODE_PAGE_FLIP, (u32)&flip) < 0 ||
        system_call(SYS_POLL, (u32)&poll, 1, EVENT_WAIT_MS) <= 0 ||
        system_call(SYS_READ, (u32)card, (u32)event, sizeof event) <= 0) {
      fail("flip");
      return;
    }
    if (i % FLIPS_BETWEEN_WORDS) continue;
    put("@@FLIPPED");
    put_space_number((s32)i);
    end_line();
  }
  show("flips", &fbs[flip_count & 1]);
  set_crtc(0);
  destroy_dumb(&fbs[1]);
  destroy_dumb(&fbs[0]);
}

static void say_cursor(s32 x, s32 y, s32 hot_x, s32 hot_y, u32 hash) {
  put("@@CURSOR");
  put_field("x", x);
  put_field("y", y);
  put_field("hot_x", hot_x);
  put_field("hot_y", hot_y);
  put_field("width", CURSOR_SIZE);
  put_field("height", CURSOR_SIZE);
  put_hash(hash);
  end_line();
}

static void run_cursor(void) {
  struct framebuffer fb, image;
  struct drm_mode_cursor2 set;
  struct drm_mode_cursor move;
  u32 hash;
  find_display();
  create_dumb(&fb, "a", mode.hdisplay, mode.vdisplay, 1);
  draw_all(&fb, 10);
  set_crtc(fb.fb_id);
  create_dumb(&image, "cursor", CURSOR_SIZE, CURSOR_SIZE, 0);
  draw_cursor(&image, 11);
  hash = hash_of(&image, 1);

  memset(&set, 0, sizeof set);
  set.flags = DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE;
  set.crtc_id = crtc_id;
  set.x = 100;
  set.y = 120;
  set.width = set.height = CURSOR_SIZE;
  set.handle = image.handle;
  set.hot_x = 3;
  set.hot_y = 5;
  CALL(DRM_IOCTL_MODE_CURSOR2, &set);
  say_cursor(100, 120, 3, 5, hash);
  show("set", &fb);

  memset(&move, 0, sizeof move);
  move.flags = DRM_MODE_CURSOR_MOVE;
  move.crtc_id = crtc_id;
  move.x = 200;
  move.y = 220;
  CALL(DRM_IOCTL_MODE_CURSOR, &move);
  say_cursor(200, 220, 3, 5, hash);
  show("moved", &fb);
  move.x = 201;
  move.y = -7;
  CALL(DRM_IOCTL_MODE_CURSOR, &move);
  say_cursor(201, -7, 3, 5, hash);
  show("negative", &fb);

  memset(&move, 0, sizeof move);
  move.flags = DRM_MODE_CURSOR_BO;
  move.crtc_id = crtc_id;
  CALL(DRM_IOCTL_MODE_CURSOR, &move);
  say("CURSOR", "off");
  show("hidden", &fb);
  destroy_dumb(&image);
  set_crtc(0);
  destroy_dumb(&fb);
}

static void run_prime(void) {
  struct framebuffer fb;
  struct drm_prime_handle first, second, back;
  find_display();
  create_dumb(&fb, "a", mode.hdisplay, mode.vdisplay, 1);
  draw_all(&fb, 12);
  set_crtc(fb.fb_id);
  memset(&first, 0, sizeof first);
  memset(&second, 0, sizeof second);
  memset(&back, 0, sizeof back);
  first.handle = second.handle = fb.handle;
  first.flags = DRM_CLOEXEC | DRM_RDWR;
  second.flags = DRM_CLOEXEC;
  CALL(DRM_IOCTL_PRIME_HANDLE_TO_FD, &first);
  CALL(DRM_IOCTL_PRIME_HANDLE_TO_FD, &second);
  back.fd = first.fd;
  CALL(DRM_IOCTL_PRIME_FD_TO_HANDLE, &back);
  if (back.handle != fb.handle) fail("the import is not the buffer that was exported");
  show("exported", &fb);
  say("CLOSE", "primefds");
  system_call(SYS_CLOSE, (u32)second.fd, 0, 0);
  system_call(SYS_CLOSE, (u32)first.fd, 0, 0);
  sleep_ms(SETTLE_MS);
  set_crtc(0);
  destroy_dumb(&fb);
}

/* Works in every feature set: where blobs are not offered, each step fails the way the driver makes it fail. */
static void run_blob(void) {
  static const struct drm_clip_rect clip = {5, 6, 50, 60};
  struct drm_virtgpu_resource_create_blob blob;
  struct drm_virtgpu_map map;
  struct drm_prime_handle prime;
  struct drm_gem_close gem;
  struct framebuffer fb;
  int have_blob;
  find_display();
  memset(&fb, 0, sizeof fb);
  fb.name = "a";
  fb.width = mode.hdisplay;
  fb.height = mode.vdisplay;
  fb.pitch = fb.width * 4;
  fb.size = (fb.pitch * fb.height + 4095) & ~4095u;
  memset(&blob, 0, sizeof blob);
  blob.blob_mem = VIRTGPU_BLOB_MEM_GUEST;
  blob.blob_flags = VIRTGPU_BLOB_FLAG_USE_SHAREABLE | VIRTGPU_BLOB_FLAG_USE_MAPPABLE;
  blob.size = fb.size;
  failures_are_expected = 1;
  have_blob = CALL(DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB, &blob) == 0;
  failures_are_expected = !have_blob;
  fb.handle = blob.bo_handle;
  add_framebuffer(&fb);
  memset(&map, 0, sizeof map);
  map.handle = fb.handle;
  if (CALL(DRM_IOCTL_VIRTGPU_MAP, &map) == 0) fb.pixels = map_pixels(map.offset, fb.size);
  if (fb.pixels) draw_all(&fb, 13);
  set_crtc(fb.fb_id);
  if (fb.pixels) {
    show("set", &fb);
    draw(&fb, 5, 6, 45, 54, 14);
  }
  dirty_fb(fb.fb_id, 1, &clip);
  if (fb.pixels) show("dirty", &fb);
  memset(&prime, 0, sizeof prime);
  prime.handle = fb.handle;
  prime.flags = DRM_CLOEXEC | DRM_RDWR;
  if (CALL(DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime) == 0) system_call(SYS_CLOSE, (u32)prime.fd, 0, 0);
  set_crtc(0);
  CALL(DRM_IOCTL_MODE_RMFB, &fb.fb_id);
  if (fb.pixels) system_call(SYS_MUNMAP, (u32)fb.pixels, fb.size, 0);
  memset(&gem, 0, sizeof gem);
  gem.handle = fb.handle;
  CALL(DRM_IOCTL_GEM_CLOSE, &gem);
  nothing_shown("freed");
}

static void run_close_only(void) {
  struct framebuffer fb;
  find_display();
  create_dumb(&fb, "a", mode.hdisplay, mode.vdisplay, 1);
  draw_all(&fb, 15);
  set_crtc(fb.fb_id);
  show("set", &fb);
  system_call(SYS_MUNMAP, (u32)fb.pixels, fb.size, 0);
  close_fd(card, "drmfd");
  card = -1;
  sleep_ms(100);
  nothing_shown("closed");
}

/* The same small part over and over, as a blinking cursor or a video does, and a part that moves. */
static void run_damage(void) {
  struct drm_clip_rect clip = {100, 100, 164, 164};
  struct framebuffer fb;
  u32 i;
  find_display();
  create_dumb(&fb, "a", mode.hdisplay, mode.vdisplay, 1);
  draw_all(&fb, 18);
  set_crtc(fb.fb_id);
  for (i = 0; i < 6; i++) {
    draw(&fb, clip.x1, clip.y1, 64, 64, 19 + i);
    dirty_fb(fb.fb_id, 1, &clip);
  }
  show("same", &fb);
  for (i = 0; i < 6; i++) {
    clip.x1 += 37;
    clip.x2 += 37;
    clip.y1 += 53;
    clip.y2 += 53;
    draw(&fb, clip.x1, clip.y1, 64, 64, 25 + i);
    dirty_fb(fb.fb_id, 1, &clip);
  }
  show("moving", &fb);
  set_crtc(0);
  destroy_dumb(&fb);
}

static void run_params(void) {
  u32 param;
  for (param = 1; param <= VIRTGPU_PARAM_LAST; param++) {
    u32 value = 0; /* the kernel writes 32 bits */
    struct drm_virtgpu_getparam get;
    s32 result;
    get.param = param;
    get.value = POINTER(&value);
    failures_are_expected = param == VIRTGPU_PARAM_LAST; /* newer than Linux 6.1 */
    result = CALL(DRM_IOCTL_VIRTGPU_GETPARAM, &get);
    put("@@PARAM");
    put_space_number((s32)param);
    put_field("rc", result);
    put_field("value", (s32)value);
    end_line();
  }
}

/* A uevent is a list of strings, each with its 0 byte. */
static int has_string(const char *list, u32 length, const char *wanted) {
  u32 at = 0;
  while (at < length) {
    if (equal(list + at, wanted)) return 1;
    at += length_of(list + at) + 1;
  }
  return 0;
}

static int wait_for_hotplug(s32 events) {
  static char message[4097];
  struct pollfd poll = {events, POLLIN, 0};
  u32 i;
  for (i = 0; i < 50; i++) {
    s32 count = system_call(SYS_POLL, (u32)&poll, 1, HOTPLUG_WAIT_MS);
    if (count <= 0) return 0;
    count = system_call(SYS_READ, (u32)events, (u32)message, sizeof message - 1);
    if (count <= 0) return 0;
    message[count] = 0;
    if (has_string(message, (u32)count, "HOTPLUG=1")) return 1;
  }
  return 0;
}

static void run_resize(void) {
  struct sockaddr_nl address = {AF_NETLINK, 0, 0, 1};
  s32 events = system_call(SYS_SOCKET, AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT);
  struct framebuffer before, after;
  const struct drm_mode_modeinfo *preferred = 0;
  u32 i;
  if (events < 0 || system_call(SYS_BIND, (u32)events, (u32)&address, sizeof address) < 0)
    fail("no socket for uevents");
  find_display();
  create_dumb(&before, "a", mode.hdisplay, mode.vdisplay, 1);
  draw_all(&before, 16);
  set_crtc(before.fb_id);
  say("WANT", "resize");
  show("before", &before);
  if (wait_for_hotplug(events)) say("UEVENT", "hotplug");
  else fail("no hotplug event");
  for (i = 0; i < 20; i++) {
    preferred = read_connector();
    if (preferred->hdisplay != before.width || preferred->vdisplay != before.height) break;
    sleep_ms(250);
  }
  if (i == 20) {
    fail("the preferred mode did not change");
    return;
  }
  choose_mode(preferred);
  create_dumb(&after, "b", mode.hdisplay, mode.vdisplay, 1);
  draw_all(&after, 17);
  set_crtc(after.fb_id);
  show("after", &after);
  set_crtc(0);
  destroy_dumb(&after);
  destroy_dumb(&before);
  system_call(SYS_CLOSE, (u32)events, 0, 0);
}

/* The end of what the kernel said while it booted, as far as it fits above our text. */
static void write_boot_log(s32 console) {
  static char log[65536];
  s32 file = system_call(SYS_OPEN, (u32)BOOT_LOG, O_RDONLY, 0), count;
  u32 length = 0, start, lines = 0;
  if (file < 0) return;
  while (length < sizeof log && (count = system_call(SYS_READ, (u32)file, (u32)log + length, sizeof log - length)) > 0)
    length += (u32)count;
  system_call(SYS_CLOSE, (u32)file, 0, 0);
  for (start = length; start > 0 && lines <= BOOT_LOG_LINES; start--) lines += log[start - 1] == '\n';
  if (lines > BOOT_LOG_LINES) start++;
  system_call(SYS_WRITE, (u32)console, (u32)log + start, length - start);
}

/* Text on the first console, which the kernel draws into its own framebuffer (/dev/fb0) and sends by itself. */
static void run_fbcon(void) {
  static const char clear[] = "\033[?25l\033[2J\033[H";
  static const char text[] = "\r\n\033[1;37;44m virtio-gpu \033[0m\r\n"
                             "\033[31mred \033[32mgreen \033[34mblue \033[0mplain\r\n"
                             "The quick brown fox jumps over the lazy dog 0123456789";
  static u32 info[40], row[8192];
  const struct fb_var_screeninfo_head *screen = (const struct fb_var_screeninfo_head *)info;
  u32 hash = FNV_START, y;
  s32 console = system_call(SYS_OPEN, (u32) "/dev/tty1", O_WRONLY | O_NOCTTY, 0);
  s32 fb = system_call(SYS_OPEN, (u32) "/dev/fb0", O_RDONLY, 0);
  if (console < 0 || fb < 0) {
    fail(console < 0 ? "open /dev/tty1" : "open /dev/fb0");
    leave(1);
  }
  system_call(SYS_WRITE, (u32)console, (u32)clear, sizeof clear - 1);
  write_boot_log(console);
  system_call(SYS_WRITE, (u32)console, (u32)text, sizeof text - 1);
  sleep_ms(500); /* the kernel sends what changed some time later */
  if (system_call(SYS_IOCTL, (u32)fb, FBIOGET_VSCREENINFO, (u32)info) < 0 || screen->bits_per_pixel != 32 ||
      screen->xres > sizeof row / 4) {
    fail("the console's framebuffer is not one of 32 bits");
    leave(1);
  }
  for (y = 0; y < screen->yres; y++) {
    u32 have = 0, length = screen->xres * 4;
    while (have < length) {
      s32 count = system_call(SYS_READ, (u32)fb, (u32)row + have, length - have);
      if (count <= 0) {
        fail("read /dev/fb0");
        leave(1);
      }
      have += (u32)count;
    }
    hash = hash_row(hash, row, screen->xres, 0);
  }
  say_pixels(hash, screen->xres, screen->yres, "-");
  stage("text", screen->xres, screen->yres);
  system_call(SYS_CLOSE, (u32)fb, 0, 0);
  system_call(SYS_CLOSE, (u32)console, 0, 0);
}

static const struct {
  const char *name;
  void (*run)(void);
  int needs_card;
} scenarios[] = {
    {"mode-set", run_mode_set, 1},
    {"dirty", run_dirty, 1},
    {"flip", run_flip, 1},
    {"prime", run_prime, 1},
    {"cursor", run_cursor, 1},
    {"closeonly", run_close_only, 1},
    {"blob", run_blob, 1},
    {"params", run_params, 1},
    {"damage", run_damage, 1},
    {"resize", run_resize, 1},
    {"flips", run_flips, 1},
    {"fbcon", run_fbcon, 0},
};

/* Called by _start with the stack as the kernel left it: argument count, arguments (scenario, flips, card). */
void run(char **stack) {
  u32 i;
  scenario = (u32)stack[0] > 1 ? stack[2] : "";
  if ((u32)stack[0] > 2) flip_count = number_of(stack[3]);
  if ((u32)stack[0] > 3) device_node = stack[4];
  for (i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
    if (!equal(scenarios[i].name, scenario)) continue;
    if (scenarios[i].needs_card) open_card();
    scenarios[i].run();
    if (scenarios[i].needs_card && card >= 0) {
      close_fd(card, "drmfd");
      sleep_ms(50);
    }
    leave(failures ? 1 : 0);
  }
  fail("no such scenario");
  leave(2);
}

__asm__(".text\n"
        ".globl _start\n"
        "_start:\n"
        "  xorl %ebp, %ebp\n"
        "  movl %esp, %eax\n"
        "  andl $-16, %esp\n"
        "  subl $12, %esp\n"
        "  pushl %eax\n"
        "  call run\n");
