/*
 * The part of Linux's DRM user interface that scenarios.c uses, as the i386 kernel sees it.
 *
 * Written out here because a machine that builds the guest program need not have any headers for i386.
 * Every size below is also part of the ioctl's number, so that the kernel itself refuses a structure that is wrong.
 */
#ifndef DRM_ABI_H
#define DRM_ABI_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;

/* User pointers travel as 64-bit fields. */
#define POINTER(p) ((u64)(u32)(p))

#define IOC_WRITE 1u
#define IOC_READ 2u
#define DRM_IOC(direction, number, size) ((direction) << 30 | (u32)(size) << 16 | 'd' << 8 | (number))
#define DRM_IOWR(number, type) DRM_IOC(IOC_READ | IOC_WRITE, number, sizeof(type))
#define DRM_IOW(number, type) DRM_IOC(IOC_WRITE, number, sizeof(type))

struct drm_version {
  s32 major, minor, patch_level;
  u32 name_length;
  char *name;
  u32 date_length;
  char *date;
  u32 description_length;
  char *description;
};

struct drm_gem_close {
  u32 handle, pad;
};

struct drm_prime_handle {
  u32 handle, flags;
  s32 fd;
};

struct drm_mode_modeinfo {
  u32 clock;
  u16 hdisplay, hsync_start, hsync_end, htotal, hskew;
  u16 vdisplay, vsync_start, vsync_end, vtotal, vscan;
  u32 vrefresh, flags, type;
  char name[32];
};

struct drm_mode_card_res {
  u64 fbs, crtcs, connectors, encoders;
  u32 count_fbs, count_crtcs, count_connectors, count_encoders;
  u32 min_width, max_width, min_height, max_height;
};

struct drm_mode_crtc {
  u64 connectors;
  u32 count_connectors, crtc_id, fb_id, x, y, gamma_size, mode_valid;
  struct drm_mode_modeinfo mode;
};

struct drm_mode_cursor {
  u32 flags, crtc_id;
  s32 x, y;
  u32 width, height, handle;
};

struct drm_mode_cursor2 {
  u32 flags, crtc_id;
  s32 x, y;
  u32 width, height, handle;
  s32 hot_x, hot_y;
};

struct drm_mode_get_connector {
  u64 encoders, modes, properties, property_values;
  u32 count_modes, count_properties, count_encoders;
  u32 encoder_id, connector_id, connector_type, connector_type_id;
  u32 connection, width_mm, height_mm, subpixel, pad;
};

struct drm_mode_crtc_page_flip {
  u32 crtc_id, fb_id, flags, reserved;
  u64 user_data;
};

struct drm_clip_rect {
  u16 x1, y1, x2, y2;
};

struct drm_mode_fb_dirty_cmd {
  u32 fb_id, flags, color, num_clips;
  u64 clips;
};

struct drm_mode_create_dumb {
  u32 height, width, bpp, flags, handle, pitch;
  u64 size;
};

struct drm_mode_map_dumb {
  u32 handle, pad;
  u64 offset;
};

struct drm_mode_destroy_dumb {
  u32 handle;
};

struct drm_mode_fb_cmd2 {
  u32 fb_id, width, height, pixel_format, flags;
  u32 handles[4], pitches[4], offsets[4];
  u64 modifier[4];
};

struct drm_event_vblank {
  u32 type, length;
  u64 user_data;
  u32 tv_sec, tv_usec, sequence, crtc_id;
};

struct drm_virtgpu_map {
  u64 offset;
  u32 handle, pad;
};

struct drm_virtgpu_getparam {
  u64 param, value;
};

struct drm_virtgpu_resource_create_blob {
  u32 blob_mem, blob_flags, bo_handle, res_handle;
  u64 size;
  u32 pad, cmd_size;
  u64 cmd, blob_id;
};

struct fb_var_screeninfo_head { /* of 160 bytes; the rest is not read */
  u32 xres, yres, xres_virtual, yres_virtual, xoffset, yoffset, bits_per_pixel;
};

#define DRM_IOCTL_VERSION DRM_IOWR(0x00, struct drm_version)
#define DRM_IOCTL_GEM_CLOSE DRM_IOW(0x09, struct drm_gem_close)
#define DRM_IOCTL_PRIME_HANDLE_TO_FD DRM_IOWR(0x2d, struct drm_prime_handle)
#define DRM_IOCTL_PRIME_FD_TO_HANDLE DRM_IOWR(0x2e, struct drm_prime_handle)
#define DRM_IOCTL_MODE_GETRESOURCES DRM_IOWR(0xa0, struct drm_mode_card_res)
#define DRM_IOCTL_MODE_SETCRTC DRM_IOWR(0xa2, struct drm_mode_crtc)
#define DRM_IOCTL_MODE_CURSOR DRM_IOWR(0xa3, struct drm_mode_cursor)
#define DRM_IOCTL_MODE_GETCONNECTOR DRM_IOWR(0xa7, struct drm_mode_get_connector)
#define DRM_IOCTL_MODE_RMFB DRM_IOWR(0xaf, u32)
#define DRM_IOCTL_MODE_PAGE_FLIP DRM_IOWR(0xb0, struct drm_mode_crtc_page_flip)
#define DRM_IOCTL_MODE_DIRTYFB DRM_IOWR(0xb1, struct drm_mode_fb_dirty_cmd)
#define DRM_IOCTL_MODE_CREATE_DUMB DRM_IOWR(0xb2, struct drm_mode_create_dumb)
#define DRM_IOCTL_MODE_MAP_DUMB DRM_IOWR(0xb3, struct drm_mode_map_dumb)
#define DRM_IOCTL_MODE_DESTROY_DUMB DRM_IOWR(0xb4, struct drm_mode_destroy_dumb)
#define DRM_IOCTL_MODE_ADDFB2 DRM_IOWR(0xb8, struct drm_mode_fb_cmd2)
#define DRM_IOCTL_MODE_CURSOR2 DRM_IOWR(0xbb, struct drm_mode_cursor2)
#define DRM_IOCTL_VIRTGPU_MAP DRM_IOWR(0x41, struct drm_virtgpu_map)
#define DRM_IOCTL_VIRTGPU_GETPARAM DRM_IOWR(0x43, struct drm_virtgpu_getparam)
#define DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB DRM_IOWR(0x4a, struct drm_virtgpu_resource_create_blob)

#define FBIOGET_VSCREENINFO 0x4600u
#define TCSBRK 0x5409u

#define DRM_FORMAT_XRGB8888 0x34325258u /* "XR24" */
#define DRM_MODE_TYPE_PREFERRED 8u
#define DRM_MODE_PAGE_FLIP_EVENT 1u
#define DRM_MODE_CURSOR_BO 1u
#define DRM_MODE_CURSOR_MOVE 2u
#define DRM_EVENT_FLIP_COMPLETE 2u
#define DRM_CLOEXEC 02000000u
#define DRM_RDWR 2u
#define VIRTGPU_BLOB_MEM_GUEST 1u
#define VIRTGPU_BLOB_FLAG_USE_MAPPABLE 1u
#define VIRTGPU_BLOB_FLAG_USE_SHAREABLE 2u
#define VIRTGPU_PARAM_LAST 8u

#define SYS_EXIT 1
#define SYS_READ 3
#define SYS_WRITE 4
#define SYS_OPEN 5
#define SYS_CLOSE 6
#define SYS_IOCTL 54
#define SYS_MMAP 90
#define SYS_MUNMAP 91
#define SYS_NANOSLEEP 162
#define SYS_POLL 168
#define SYS_SOCKET 359
#define SYS_BIND 361

#define ENOENT 2
#define EINTR 4
#define EAGAIN 11
#define EINVAL 22
#define O_RDONLY 0
#define O_WRONLY 1
#define O_RDWR 2
#define O_NOCTTY 0400
#define PROT_READ_WRITE 3
#define MAP_SHARED 1
#define POLLIN 1
#define AF_NETLINK 16
#define SOCK_DGRAM 2
#define NETLINK_KOBJECT_UEVENT 15

struct pollfd {
  s32 fd;
  u16 events, revents;
};

struct timespec {
  s32 seconds, nanoseconds;
};

struct sockaddr_nl {
  u16 family, pad;
  u32 pid, groups;
};

#endif
