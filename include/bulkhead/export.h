/* bulkhead/export.h - visibility and result checking for the public headers. */
#ifndef BULKHEAD_EXPORT_H
#define BULKHEAD_EXPORT_H

#ifdef __cplusplus
#define BH_EXTERN_C extern "C"
#else
#define BH_EXTERN_C extern
#endif

#define BH_API      BH_EXTERN_C __attribute__((visibility("default")))
#define BH_MUST_USE __attribute__((warn_unused_result))

#endif
