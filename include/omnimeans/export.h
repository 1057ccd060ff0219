/* SPDX-License-Identifier: MIT */
/* OMNIMEANS_API marks what the shared library exports; it is compiled with everything else hidden. */
#ifndef OMNIMEANS_EXPORT_H
#define OMNIMEANS_EXPORT_H

#if defined(__GNUC__)
#define OMNIMEANS_API __attribute__((visibility("default")))
#else
#define OMNIMEANS_API
#endif

#endif
